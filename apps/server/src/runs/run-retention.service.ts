import { BtyError } from '@bty/wire-types';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { ReportStore } from '../reports/index.js';
import { RunChangesRepository } from './run-changes.repository.js';
import { RunsRepository } from './runs.repository.js';

const INTERVAL_MS = 10 * 60_000;
const DAY_MS = 86_400_000;
const BATCH = 100;
const RETENTION = { name: 'retention' } as const;

/** Removes runs, with their logs and reports, when they are too old or too many. */
@Injectable()
export class RunRetention implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('Runs');
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly runs: RunsRepository,
    private readonly changes: RunChangesRepository,
    private readonly reports: ReportStore,
  ) {}

  onApplicationBootstrap(): void {
    const again = () => {
      this.collect(new Date()).catch((error: unknown) => this.log.warn(`old runs cannot be removed: ${String(error)}`));
    };
    again();
    this.timer = setInterval(again, INTERVAL_MS).unref();
  }

  onModuleDestroy(): void {
    this.stopped = true;
    clearInterval(this.timer);
  }

  private async collect(now: Date): Promise<void> {
    const { runKeepDays, runsKept } = this.config;
    const before = runKeepDays === 0 ? undefined : new Date(now.getTime() - runKeepDays * DAY_MS);
    const due = await this.runs.expired(before, runsKept === 0 ? undefined : runsKept, BATCH);
    for (const id of due) {
      if (this.stopped) return;
      await this.changes
        .remove(id, RETENTION, () => undefined)
        .catch((error: unknown) => {
          // Another server was faster.
          if (!(error instanceof BtyError) || error.code !== 'NOT_FOUND') throw error;
        });
      await this.reports.remove(`runs/${id}`);
    }
    if (due.length > 0) this.log.log(`${due.length} old runs are removed`);
    if (due.length === BATCH) await this.collect(now);
  }
}
