import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/index.js';
import { BootModule } from '../boot/index.js';
import { FlashJobsModule } from '../flash-jobs/index.js';
import { MachinesModule } from '../machines/index.js';
import { RunsModule } from '../runs/index.js';
import { PxeController } from './pxe.controller.js';
import { PxeService } from './pxe.service.js';
import { PxeSignals } from './pxe-signals.service.js';

@Module({
  imports: [AuthModule, BootModule, FlashJobsModule, MachinesModule, RunsModule],
  controllers: [PxeController],
  providers: [PxeService, PxeSignals],
})
export class PxeModule {}
