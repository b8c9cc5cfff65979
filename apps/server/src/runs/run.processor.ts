import { setTimeout as sleep } from 'node:timers/promises';
import { BtyError } from '@bty/wire-types';
import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import {
  type BeforeApplicationShutdown,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { Job } from 'bullmq';
import { CIJOE_ONLINE, WORKER, warnOfQueue } from '../queue/index.js';
import { removeStaleFolders } from '../sandbox/index.js';
import { readRunOrder } from './run.queue.js';
import { RunExecutor } from './run-executor.service.js';

/** Most runs of a worker only wait for a machine to boot, which costs nothing; how many workflows run is a setting. */
const CONCURRENCY = 200;
/** A sandbox that is stopped gets some seconds to hand back its results (SANDBOX_LIMITS.graceMs). */
const STOP_PATIENCE_MS = 7_500;

/** Takes runs from the queue. It reads everything from Postgres, so a lost or doubled order does no harm. */
@Processor(CIJOE_ONLINE, { ...WORKER, concurrency: CONCURRENCY })
export class RunProcessor
  extends WorkerHost
  implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown
{
  private readonly log = new Logger('Runs');
  private readonly stop = new AbortController();
  private readonly inHand = new Set<Promise<void>>();

  constructor(private readonly executor: RunExecutor) {
    super();
  }

  async onApplicationBootstrap(): Promise<void> {
    await removeStaleFolders();
  }

  /** Comes before everything else of the end. */
  onModuleDestroy(): void {
    this.stop.abort(new BtyError('INTERRUPTED', 'the worker was stopped'));
  }

  /** Postgres, which has to learn how the runs ended, is let go of after this. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.race([Promise.allSettled(this.inHand), sleep(STOP_PATIENCE_MS, undefined, { ref: false })]);
  }

  @OnWorkerEvent('error')
  onError(error: Error): void {
    warnOfQueue(error);
  }

  @OnWorkerEvent('failed')
  onFailed(_order: unknown, error: Error): void {
    this.log.error(error);
  }

  override async process(order: Job): Promise<void> {
    const data = readRunOrder(order.data);
    if (data === undefined) {
      this.log.warn(`dropped an order of ${CIJOE_ONLINE} that is none: ${order.id}`);
      return;
    }
    if (this.stop.signal.aborted) return;
    const run = this.executor.carryOut(data.runId, this.stop.signal);
    this.inHand.add(run);
    try {
      await run;
    } finally {
      this.inHand.delete(run);
    }
  }
}
