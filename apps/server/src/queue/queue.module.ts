import { BullModule } from '@nestjs/bullmq';
import { type DynamicModule, Module } from '@nestjs/common';
import type { DatabaseTarget } from '../db/index.js';
import { BackendQueue } from './queue-backend.js';
import { QueueConnection } from './queue-connection.js';
import { QueueDepths } from './queue-depths.service.js';
import { SteadyWorker } from './steady-worker.js';

// Here and not in the module: the features that import it register their queues while they are loaded.
BullModule.queueClass = BackendQueue;
BullModule.workerClass = SteadyWorker;

/** Connects BullMQ: to Redis when there is an address of one, to its Postgres backend otherwise. */
@Module({})
export class QueueModule {
  static forRoot(target: DatabaseTarget, redisUrl: string | undefined): DynamicModule {
    const self: DynamicModule = {
      module: QueueModule,
      global: true,
      providers: [{ provide: QueueConnection, useFactory: () => QueueConnection.open(target, redisUrl) }, QueueDepths],
      exports: [QueueConnection, QueueDepths],
    };
    const bull = BullModule.forRootAsync({
      inject: [QueueConnection],
      useFactory: (connection: QueueConnection) => connection.options,
    });
    return { ...self, imports: [bull] };
  }
}
