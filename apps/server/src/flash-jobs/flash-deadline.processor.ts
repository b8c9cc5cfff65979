import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import { Inject, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DelayedError, type Job } from 'bullmq';
import { CONFIG, type Config } from '../config/index.js';
import { FLASH_DEADLINE, WORKER, warnOfQueue } from '../queue/index.js';
import { AgentDispatcher } from './agent-dispatcher.port.js';
import { FlashDeadlineQueue, readDeadlineOrder } from './flash-deadline.queue.js';
import type { FlashJobEntity } from './flash-job.entity.js';
import { FlashJobChangesRepository } from './flash-job-changes.repository.js';
import { FlashJobsRepository } from './flash-jobs.repository.js';
import { Hearing } from './hearing.js';
import { failWith, giveBack, type JobChange } from './job-change.js';
import { afterStall, isHeld, stalledMs } from './job-state.js';

const RECONCILE_INTERVAL_MS = 15_000;
const LISTEN_INTERVAL_MS = 1_000;

/** Notices flash jobs without progress. It reads everything from Postgres, so a lost or doubled order does no harm. */
@Processor(FLASH_DEADLINE, WORKER)
export class FlashDeadlineProcessor extends WorkerHost implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('FlashJobs');
  private readonly hearing = new Hearing(Date.now());
  private timers: NodeJS.Timeout[] = [];

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly queue: FlashDeadlineQueue,
    private readonly jobs: FlashJobsRepository,
    private readonly changes: FlashJobChangesRepository,
    private readonly agents: AgentDispatcher,
  ) {
    super();
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.reconcile();
    const again = () => {
      this.reconcile().catch((error: unknown) => this.log.warn(`deadlines cannot be armed: ${String(error)}`));
    };
    const listen = () => {
      // Whoever asks hears of an outage; here it only matters that there was no answer.
      this.jobs.check().then(
        () => this.hearing.heard(Date.now()),
        () => undefined,
      );
    };
    this.timers = [setInterval(again, RECONCILE_INTERVAL_MS).unref(), setInterval(listen, LISTEN_INTERVAL_MS).unref()];
  }

  onModuleDestroy(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  @OnWorkerEvent('error')
  onError(error: Error): void {
    warnOfQueue(error);
  }

  @OnWorkerEvent('failed')
  onFailed(_order: unknown, error: Error): void {
    this.log.error(error);
  }

  override async process(order: Job, token?: string): Promise<void> {
    const data = readDeadlineOrder(order.data);
    if (data === undefined) {
      this.log.warn(`dropped an order of ${FLASH_DEADLINE} that is none: ${order.id}`);
      return;
    }
    const job = await this.jobs.find(data.jobId);
    if (job === undefined || !isHeld(job.state) || job.lastProgressAt === null) return;
    const now = new Date();
    const limitMs = this.config.noProgressTimeoutSeconds * 1000;
    const leftMs = limitMs - this.stalledMs(job.lastProgressAt, now);
    if (leftMs > 0) {
      await order.moveToDelayed(now.getTime() + leftMs, token);
      throw new DelayedError();
    }
    await this.stop(job, limitMs, now);
  }

  private async stop(stalled: FlashJobEntity, limitMs: number, now: Date): Promise<void> {
    const seconds = limitMs / 1000;
    const reason = { code: 'NO_PROGRESS', message: `no progress for ${seconds} s in epoch ${stalled.epoch}` } as const;
    const changed = await this.changes.change(stalled.id, { name: 'server' }, now, (job): JobChange | undefined => {
      const moved = job.lastProgressAt?.getTime() !== stalled.lastProgressAt?.getTime();
      if (moved || job.epoch !== stalled.epoch || !isHeld(job.state)) return undefined;
      return afterStall(job.epoch) === 'fail' ? failWith(reason) : giveBack(reason);
    });
    if (changed === undefined) return;
    this.log.warn(`flash job ${changed.id} of ${changed.mac} made ${reason.message}; it is ${changed.state} now`);
    this.agents.notify(changed.mac);
  }

  private stalledMs(lastProgressAt: Date, now: Date): number {
    return stalledMs(now, lastProgressAt, new Date(this.hearing.since(now.getTime())));
  }

  /** Postgres says which jobs an agent has; the queue may have forgotten their deadlines. */
  private async reconcile(): Promise<void> {
    const now = new Date();
    for (const job of await this.jobs.held()) {
      this.queue.arm(job.id, job.epoch, this.stalledMs(job.lastProgressAt ?? now, now));
    }
  }
}
