import { BullModule } from '@nestjs/bullmq';
import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ImagesModule, ImageUse } from '../images/index.js';
import { MachineJobs, MachinesModule } from '../machines/index.js';
import { ProvisioningModule } from '../provisioning/index.js';
import { FLASH_DEADLINE } from '../queue/index.js';
import { ReportsModule } from '../reports/index.js';
import { FlashAdmission } from './flash-admission.service.js';
import { FlashDeadlineProcessor } from './flash-deadline.processor.js';
import { FlashDeadlineQueue } from './flash-deadline.queue.js';
import { FlashEndings } from './flash-endings.service.js';
import { FlashHandOut } from './flash-hand-out.service.js';
import { FlashJobEntity } from './flash-job.entity.js';
import { FlashJobCancel } from './flash-job-cancel.service.js';
import { FlashJobChangesRepository } from './flash-job-changes.repository.js';
import { FlashJobCreate } from './flash-job-create.service.js';
import { FlashJobFilesController } from './flash-job-files.controller.js';
import { FlashJobReports } from './flash-job-reports.service.js';
import { FlashJobSourcesRepository } from './flash-job-sources.repository.js';
import { FlashJobWaits } from './flash-job-waits.service.js';
import { FlashJobsController } from './flash-jobs.controller.js';
import { FlashJobsRepository } from './flash-jobs.repository.js';
import { FlashLogEntity } from './flash-log.entity.js';
import { FlashLogsRepository } from './flash-logs.repository.js';
import { FlashOrders } from './flash-orders.service.js';
import { FlashProgressBuffer } from './flash-progress.service.js';
import { FlashReportEntity } from './flash-report.entity.js';
import { FlashReports } from './flash-reports.service.js';
import { FlashSlotsRepository } from './flash-slots.repository.js';
import { IdempotencyKeyEntity } from './idempotency-key.entity.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';
import { JobWorkflows } from './job-workflows.service.js';

/** Global, because the features below have ports that this one answers. */
@Global()
@Module({
  imports: [
    TypeOrmModule.forFeature([FlashJobEntity, FlashLogEntity, FlashReportEntity, IdempotencyKeyEntity]),
    BullModule.registerQueue({ name: FLASH_DEADLINE }),
    ImagesModule,
    MachinesModule,
    ProvisioningModule,
    ReportsModule,
  ],
  controllers: [FlashJobsController, FlashJobFilesController],
  providers: [
    FlashAdmission,
    FlashDeadlineProcessor,
    FlashDeadlineQueue,
    FlashEndings,
    FlashHandOut,
    FlashJobCancel,
    FlashJobChangesRepository,
    FlashJobCreate,
    FlashJobReports,
    FlashJobSourcesRepository,
    FlashJobsRepository,
    FlashJobWaits,
    FlashLogsRepository,
    FlashOrders,
    FlashProgressBuffer,
    FlashReports,
    JobWorkflows,
    FlashSlotsRepository,
    IdempotencyKeysRepository,
    { provide: MachineJobs, useExisting: FlashJobsRepository },
    { provide: ImageUse, useExisting: FlashJobsRepository },
  ],
  exports: [
    MachineJobs,
    ImageUse,
    FlashAdmission,
    FlashHandOut,
    FlashJobCreate,
    FlashJobsRepository,
    FlashLogsRepository,
    FlashProgressBuffer,
    FlashReports,
  ],
})
export class FlashJobsModule {}
