import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/index.js';
import { BootModule } from '../boot/index.js';
import { FlashJobsModule } from '../flash-jobs/index.js';
import { MachinesModule } from '../machines/index.js';
import { PxeController } from './pxe.controller.js';
import { PxeService } from './pxe.service.js';

@Module({
  imports: [AuthModule, BootModule, FlashJobsModule, MachinesModule],
  controllers: [PxeController],
  providers: [PxeService],
})
export class PxeModule {}
