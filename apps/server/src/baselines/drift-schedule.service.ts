import { BtyError, type MacAddress } from '@bty/wire-types';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { DriftService } from './drift.service.js';
import { DriftChecksRepository } from './drift-checks.repository.js';

const LOOK_INTERVAL_MS = 5_000;
/** A machine that cannot be checked, because it is off for instance, is tried again after so long. */
const RETRY_MS = 5 * 60_000;
const SCHEDULE = { name: 'schedule' } as const;

/** Checks machines for drift as often as `BTY_DRIFT_INTERVAL` says, one after the other. */
@Injectable()
export class DriftSchedule implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('Drift');
  private readonly retryAt = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly drift: DriftService,
    private readonly checks: DriftChecksRepository,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.driftIntervalSeconds > 0) this.again();
  }

  onModuleDestroy(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private again(): void {
    if (this.stopped) return;
    const next = () => {
      this.round()
        .catch((error: unknown) => this.log.warn(`the drift checks that are due cannot be read: ${String(error)}`))
        .finally(() => this.again());
    };
    this.timer = setTimeout(next, Math.min(LOOK_INTERVAL_MS, this.config.driftIntervalSeconds * 1000)).unref();
  }

  private async round(): Promise<void> {
    const since = new Date(Date.now() - this.config.driftIntervalSeconds * 1000);
    const due = await this.checks.due(since, 100);
    for (const mac of due.filter((one) => (this.retryAt.get(one) ?? 0) < Date.now())) {
      if (this.stopped) return;
      await this.attempt(mac as MacAddress);
    }
  }

  private async attempt(mac: MacAddress): Promise<void> {
    try {
      await this.drift.check(mac, SCHEDULE);
      this.retryAt.delete(mac);
    } catch (error) {
      this.retryAt.set(mac, Date.now() + RETRY_MS);
      const reason = error instanceof BtyError ? error.message : String(error);
      this.log.warn(`${mac} cannot be checked for drift now: ${reason}`);
    }
  }
}
