import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ImagesModule } from '../images/index.js';
import { ProvisioningModule } from '../provisioning/index.js';
import { MachineEntity } from './machine.entity.js';
import { MachineBoxesRepository } from './machine-boxes.repository.js';
import { MachineChanges } from './machine-changes.service.js';
import { MachineListRepository } from './machine-list.repository.js';
import { MachineNicEntity } from './machine-nic.entity.js';
import { MachineStreamController } from './machine-stream.controller.js';
import { MachineTargetController } from './machine-target.controller.js';
import { MachineTargets } from './machine-target.service.js';
import { MachineView } from './machine-view.service.js';
import { MachineWishes } from './machine-wishes.service.js';
import { MachinesController } from './machines.controller.js';
import { MachinesRepository } from './machines.repository.js';
import { MachinesService } from './machines.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([MachineEntity, MachineNicEntity]), ImagesModule, ProvisioningModule],
  controllers: [MachinesController, MachineStreamController, MachineTargetController],
  providers: [
    MachineBoxesRepository,
    MachineChanges,
    MachineListRepository,
    MachinesRepository,
    MachinesService,
    MachineTargets,
    MachineView,
    MachineWishes,
  ],
  exports: [MachineBoxesRepository, MachinesRepository],
})
export class MachinesModule {}
