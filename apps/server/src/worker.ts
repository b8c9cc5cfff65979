import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Config } from './config/index.js';
import type { DatabaseTarget } from './db/index.js';
import { QueueConnection } from './queue/index.js';
import { StderrLogger } from './stderr-logger.js';
import { WorkerModule } from './worker.module.js';

/** Starts a worker on a database that is up; it takes orders from then on. */
export async function createWorker(config: Config, database: DatabaseTarget): Promise<INestApplicationContext> {
  return NestFactory.createApplicationContext(WorkerModule.forRoot(config, database), {
    logger: new StderrLogger({ prefix: 'bty worker', colors: process.stderr.isTTY === true }),
    abortOnError: false,
  });
}

/** Stops the workflows that are running, then the worker. */
export async function closeWorker(worker: INestApplicationContext): Promise<void> {
  const queue = worker.get(QueueConnection, { strict: false });
  await worker.close();
  await queue.close();
}
