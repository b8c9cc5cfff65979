import { BullModule } from '@nestjs/bullmq';
import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  BaselineEntity,
  BaselinesRepository,
  DriftCheckEntity,
  DriftChecksRepository,
  DriftSchedule,
  DriftService,
  FactsCollector,
} from './baselines/index.js';
import { type Config, ConfigModule } from './config/index.js';
import { DatabaseModule, type DatabaseTarget } from './db/index.js';
import { EventsModule } from './events/index.js';
import { MachineBoxesRepository, MachineEntity, MachineNicEntity, MachinesRepository } from './machines/index.js';
import { ProvisioningModule } from './provisioning/index.js';
import { CIJOE_ONLINE, QueueModule, WORKFLOW_CHECK } from './queue/index.js';
import { ReportsModule } from './reports/index.js';
import {
  RunApproach,
  RunChangesRepository,
  RunEnding,
  RunEntity,
  RunExecutor,
  RunPerformance,
  RunProcessor,
  RunQueue,
  RunReconciler,
  RunsRepository,
  WorkflowRunner,
} from './runs/index.js';
import { SandboxModule } from './sandbox/index.js';
import { SshClient, SshCredentials, SystemFinder } from './ssh/index.js';
import {
  WorkflowCheck,
  WorkflowCheckProcessor,
  WorkflowStore,
  WorkflowsRepository,
  WorkflowVersionEntity,
} from './workflows/index.js';

const CHECKS = [WorkflowCheck, WorkflowCheckProcessor, WorkflowStore, WorkflowsRepository];
const SYSTEMS = [MachineBoxesRepository, MachinesRepository, SshClient, SshCredentials, SystemFinder];
const BASELINES = [BaselinesRepository, DriftChecksRepository, DriftSchedule, DriftService, FactsCollector];
const RUNS = [
  ...[RunApproach, RunChangesRepository, RunEnding, RunExecutor, RunPerformance, RunProcessor, RunQueue],
  ...[RunReconciler, RunsRepository, WorkflowRunner],
];

/**
 * The worker: what carries out workflows, and looks after the machines that they have set up. It answers nobody, and of the
 * rest of the server it has only what it needs.
 */
@Module({})
export class WorkerModule {
  static forRoot(config: Config, database: DatabaseTarget): DynamicModule {
    return {
      module: WorkerModule,
      imports: [
        ConfigModule.forRoot(config),
        DatabaseModule.forRoot(database),
        QueueModule.forRoot(database, config.redisUrl),
        EventsModule,
        ProvisioningModule,
        ReportsModule,
        SandboxModule,
        TypeOrmModule.forFeature([
          BaselineEntity,
          DriftCheckEntity,
          MachineEntity,
          MachineNicEntity,
          RunEntity,
          WorkflowVersionEntity,
        ]),
        BullModule.registerQueue({ name: CIJOE_ONLINE }, { name: WORKFLOW_CHECK }),
      ],
      providers: [...CHECKS, ...SYSTEMS, ...BASELINES, ...RUNS],
    };
  }
}
