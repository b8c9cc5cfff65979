import { BullModule } from '@nestjs/bullmq';
import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AfterFlash, FlashJobsModule } from '../flash-jobs/index.js';
import { MachinesModule } from '../machines/index.js';
import { CIJOE_ONLINE } from '../queue/index.js';
import { ReportsModule } from '../reports/index.js';
import { WorkflowsModule, WorkflowUse } from '../workflows/index.js';
import { ActiveWorkflowUse } from './active-workflow-use.service.js';
import { RunEntity } from './run.entity.js';
import { RunQueue } from './run.queue.js';
import { RunAfterFlash } from './run-after-flash.service.js';
import { RunCancel } from './run-cancel.service.js';
import { RunChangesRepository } from './run-changes.repository.js';
import { RunCreate } from './run-create.service.js';
import { RunFilesController } from './run-files.controller.js';
import { RunReconciler } from './run-reconciler.service.js';
import { RunRetention } from './run-retention.service.js';
import { RunsController } from './runs.controller.js';
import { RunsRepository } from './runs.repository.js';

/** Global, because the features below have ports that this one answers. */
@Global()
@Module({
  imports: [
    TypeOrmModule.forFeature([RunEntity]),
    BullModule.registerQueue({ name: CIJOE_ONLINE }),
    FlashJobsModule,
    MachinesModule,
    ReportsModule,
    WorkflowsModule,
  ],
  controllers: [RunsController, RunFilesController],
  providers: [
    RunAfterFlash,
    RunCancel,
    RunChangesRepository,
    RunCreate,
    RunQueue,
    RunReconciler,
    RunRetention,
    RunsRepository,
    { provide: AfterFlash, useExisting: RunAfterFlash },
    { provide: WorkflowUse, useClass: ActiveWorkflowUse },
  ],
  exports: [AfterFlash, WorkflowUse, RunAfterFlash],
})
export class RunsModule {}
