import { existsSync } from 'node:fs';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { RunEntity } from './run.entity.js';
import { RunQueue } from './run.queue.js';
import { endRun, giveRunBack, type RunChange } from './run-change.js';
import { RunChangesRepository } from './run-changes.repository.js';
import { afterSilence } from './run-state.js';
import { RunsRepository } from './runs.repository.js';
import { THIS_WORKER } from './this-worker.js';
import { isGone } from './worker-id.js';

const INTERVAL_MS = 5_000;
/** So long without a heartbeat, and the worker is taken for dead. */
const SILENCE_MS = 45_000;
const SERVER = { name: 'server' } as const;

/** Sees to it that no run waits or runs for ever: Postgres says what is due, whatever queues and workers have forgotten. */
@Injectable()
export class RunReconciler implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('Runs');
  /** Since when heartbeats would have been seen without a gap. */
  private watchingSince = Date.now();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly runs: RunsRepository,
    private readonly changes: RunChangesRepository,
    private readonly queue: RunQueue,
  ) {}

  onApplicationBootstrap(): void {
    const again = () => {
      this.reconcile().catch((error: unknown) => {
        this.watchingSince = Date.now();
        this.log.warn(`runs cannot be looked after: ${String(error)}`);
      });
    };
    again();
    this.timer = setInterval(again, INTERVAL_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  private async reconcile(): Promise<void> {
    for (const run of await this.runs.held()) {
      const message = this.trouble(run);
      if (message !== undefined) await this.give(run, message);
    }
    for (const id of await this.runs.queued()) this.queue.order(id);
  }

  private trouble({ workerId, heartbeatAt }: RunEntity): string | undefined {
    if (isGone(workerId ?? '', THIS_WORKER, (pid) => existsSync(`/proc/${pid}`))) return 'its worker has died';
    const heardAt = Math.max(heartbeatAt?.getTime() ?? 0, this.watchingSince);
    return Date.now() - heardAt > SILENCE_MS ? `nothing was heard of its worker for ${SILENCE_MS / 1000} s` : undefined;
  }

  private async give(held: RunEntity, message: string): Promise<void> {
    const changed = await this.changes.change(held.id, SERVER, new Date(), (run): RunChange | undefined => {
      if (run.heartbeatAt?.getTime() !== held.heartbeatAt?.getTime()) return undefined;
      const event = afterSilence(run.state);
      if (event === undefined) return undefined;
      return event === 'give_back' ? giveRunBack(message) : endRun(event, { code: 'INTERRUPTED', message });
    });
    if (changed !== undefined) this.log.warn(`run ${changed.id} of ${changed.mac} is ${changed.state}: ${message}`);
  }
}
