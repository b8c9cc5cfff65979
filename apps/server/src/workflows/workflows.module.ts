import { BullModule } from '@nestjs/bullmq';
import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MachinesModule, WorkflowNames } from '../machines/index.js';
import { WORKFLOW_CHECK } from '../queue/index.js';
import { WorkflowCatalog } from './workflow-catalog.service.js';
import { WorkflowCheckQueue } from './workflow-check.queue.js';
import { WorkflowStore } from './workflow-store.service.js';
import { WorkflowVersionEntity } from './workflow-version.entity.js';
import { WorkflowsController } from './workflows.controller.js';
import { WorkflowsRepository } from './workflows.repository.js';
import { WorkflowsService } from './workflows.service.js';

/** Global, because machine records have a port that this one answers. */
@Global()
@Module({
  imports: [
    TypeOrmModule.forFeature([WorkflowVersionEntity]),
    BullModule.registerQueue({ name: WORKFLOW_CHECK }),
    MachinesModule,
  ],
  controllers: [WorkflowsController],
  providers: [
    WorkflowCatalog,
    WorkflowCheckQueue,
    WorkflowStore,
    WorkflowsRepository,
    WorkflowsService,
    { provide: WorkflowNames, useExisting: WorkflowCatalog },
  ],
  exports: [WorkflowCatalog, WorkflowNames, WorkflowStore, WorkflowsRepository],
})
export class WorkflowsModule {}
