import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ImagesModule } from '../images/index.js';
import { MachineEntity } from './machine.entity.js';
import { MachinesController } from './machines.controller.js';
import { MachinesRepository } from './machines.repository.js';
import { MachinesService } from './machines.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([MachineEntity]), ImagesModule],
  controllers: [MachinesController],
  providers: [MachinesRepository, MachinesService],
  exports: [MachinesRepository],
})
export class MachinesModule {}
