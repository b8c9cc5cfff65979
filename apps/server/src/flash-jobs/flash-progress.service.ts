import type { FlashProgress, FlashStage, JobRef } from '@bty/wire-types';
import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import type { JobProgress } from './flash-job.entity.js';
import { FlashJobChangesRepository } from './flash-job-changes.repository.js';

const STORE_INTERVAL_MS = 1_000;

interface Pending {
  readonly sessionId: string;
  readonly epoch: number;
  readonly progress: JobProgress;
  /** When the bytes or the phase changed last; the same numbers again are no progress. */
  readonly movedAt: Date;
  stored: boolean;
}

/** Keeps the progress that agents report several times a second, and stores the latest once a second. */
@Injectable()
export class FlashProgressBuffer implements OnModuleDestroy {
  private readonly log = new Logger('FlashJobs');
  private readonly latest = new Map<string, Pending>();
  private readonly timer = setInterval(() => void this.store(), STORE_INTERVAL_MS).unref();

  constructor(private readonly changes: FlashJobChangesRepository) {}

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** Takes the progress of a job that this session was given; that of another's is never stored. */
  report(sessionId: string, message: FlashProgress, now: Date): void {
    const before = this.latest.get(message.job_id);
    const moved =
      before?.epoch !== message.epoch ||
      before.progress.stage !== message.stage ||
      // What provisions counts no bytes, and has a time limit of its own: that its agent goes on is progress.
      message.stage === 'provisioning' ||
      before.progress.bytesDone !== message.bytes_done;
    this.latest.set(message.job_id, {
      sessionId,
      epoch: message.epoch,
      progress: {
        stage: message.stage,
        bytesDone: message.bytes_done,
        bytesTotal: message.bytes_total,
        bytesPerSecond: message.bytes_per_second,
        at: now.toISOString(),
      },
      movedAt: moved ? now : before.movedAt,
      stored: false,
    });
  }

  /** The bytes of a phase that were done when the attempt last said so. */
  bytesDoneOf({ job_id, epoch }: JobRef, stage: FlashStage | null): number | undefined {
    const latest = this.latest.get(job_id);
    return latest?.epoch === epoch && latest.progress.stage === stage ? latest.progress.bytesDone : undefined;
  }

  private async store(): Promise<void> {
    const pending = [...this.latest].filter(([, { stored }]) => !stored);
    if (pending.length === 0) return;
    for (const [, one] of pending) one.stored = true;
    try {
      const told = pending.map(([jobId, { sessionId, epoch, progress, movedAt }]) => {
        return { jobId, sessionId, epoch, progress, movedAt };
      });
      const underWay = await this.changes.storeProgress(told);
      // An attempt that is over takes no more progress, and needs no room here.
      for (const [jobId, one] of pending) {
        if (!underWay.has(jobId) && this.latest.get(jobId) === one) this.latest.delete(jobId);
      }
    } catch (error) {
      for (const [, one] of pending) one.stored = false;
      this.log.warn(`the progress of ${pending.length} flash jobs is not stored: ${String(error)}`);
    }
  }
}
