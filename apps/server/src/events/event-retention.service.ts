import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { EventOrderRepository } from './event-order.repository.js';

const INTERVAL_MS = 60 * 60_000;
const BATCH = 1_000;
const PAUSE_MS = 50;
const DAY_MS = 86_400_000;

/** Removes events that are older than `BTY_EVENT_RETENTION` says. */
@Injectable()
export class EventRetention implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('Events');
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly order: EventOrderRepository,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.eventRetentionDays === 0) return;
    const round = () => {
      this.clear(new Date()).catch((error: unknown) => this.log.warn(`old events cannot be removed: ${String(error)}`));
    };
    this.timer = setInterval(round, INTERVAL_MS).unref();
    round();
  }

  onModuleDestroy(): void {
    this.stopped = true;
    clearInterval(this.timer);
  }

  /** Removes the old ones in small steps, so that nobody waits for it. */
  private async clear(now: Date): Promise<void> {
    const before = new Date(now.getTime() - this.config.eventRetentionDays * DAY_MS);
    let removed = 0;
    for (;;) {
      const count = this.stopped ? 0 : await this.order.removeBefore(before, BATCH);
      removed += count;
      if (count === 0) break;
      await sleep(PAUSE_MS, undefined, { ref: false });
    }
    if (removed > 0) this.log.log(`${removed} events of before ${before.toISOString()} were removed`);
  }
}
