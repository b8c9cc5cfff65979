import { type DynamicModule, Module } from '@nestjs/common';
import { AgentsModule } from './agents/index.js';
import { AuthModule } from './auth/index.js';
import { BaselinesModule } from './baselines/index.js';
import { BootModule } from './boot/index.js';
import { type Config, ConfigModule } from './config/index.js';
import { DatabaseModule, type DatabaseTarget } from './db/index.js';
import { EventsModule } from './events/index.js';
import { FlashJobsModule } from './flash-jobs/index.js';
import { HealthModule } from './health/index.js';
import { ImagesModule } from './images/index.js';
import { MachinesModule } from './machines/index.js';
import { MetricsModule } from './metrics/index.js';
import { PxeModule } from './pxe/index.js';
import { QueueModule } from './queue/index.js';
import { RunsModule } from './runs/index.js';
import { WebhooksModule } from './webhooks/index.js';
import { WorkflowsModule } from './workflows/index.js';

/** The whole server on one database. */
@Module({})
export class AppModule {
  static forRoot(config: Config, database: DatabaseTarget): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        DatabaseModule.forRoot(database),
        QueueModule.forRoot(database, config.redisUrl),
        EventsModule,
        AuthModule,
        ImagesModule,
        MachinesModule,
        WorkflowsModule,
        FlashJobsModule,
        BaselinesModule,
        RunsModule,
        AgentsModule,
        PxeModule,
        BootModule,
        HealthModule,
        WebhooksModule,
        MetricsModule,
      ],
    };
  }
}
