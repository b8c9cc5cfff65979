import { toBtyError } from '@bty/wire-types';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Facts } from '../baselines/index.js';
import { CONFIG, type Config } from '../config/index.js';
import { type ReportFile, ReportStore } from '../reports/index.js';
import type { FoundSystem } from '../ssh/index.js';
import type { RunEntity } from './run.entity.js';
import { RunApproach } from './run-approach.service.js';
import { endRun, giveRunBack, type RunChange, takeRun } from './run-change.js';
import { RunChangesRepository } from './run-changes.repository.js';
import { RunEnding } from './run-ending.service.js';
import { RunLease } from './run-lease.js';
import { RunLog } from './run-log.js';
import { type Performed, RunPerformance, runErrorOf } from './run-performance.service.js';
import { Slots } from './slots.js';
import { THIS_WORKER } from './this-worker.js';
import { workerIdText } from './worker-id.js';

const WORKER = { name: 'worker' } as const;

/** How an attempt ended. */
interface Ending {
  readonly change: RunChange;
  readonly report: ReportFile[] | null;
  readonly facts?: Facts | undefined;
}

/** Carries out runs. That there is one at a time for each machine, and one worker for each run, is Postgres's business. */
@Injectable()
export class RunExecutor {
  private readonly log = new Logger('Runs');
  private readonly workerId = workerIdText(THIS_WORKER);
  private readonly slots: Slots;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly changes: RunChangesRepository,
    private readonly approach: RunApproach,
    private readonly performance: RunPerformance,
    private readonly ending: RunEnding,
    private readonly reports: ReportStore,
  ) {
    this.slots = new Slots(config.maxRuns);
  }

  /** Takes a run that waits for a worker, and brings it to an end. Any other run is left alone. */
  async carryOut(runId: string, stop: AbortSignal): Promise<void> {
    const now = new Date();
    const run = await this.changes.change(runId, WORKER, now, () => takeRun(this.workerId, now));
    if (run === undefined) return;
    const lease = new RunLease(
      () => this.changes.heartbeat(runId, this.workerId, new Date()),
      (error) => this.log.warn(`run ${runId}: its heartbeat cannot be stored: ${String(error)}`),
    );
    const log = new RunLog(await this.reports.openLog(`runs/${runId}`));
    try {
      const { change, report, facts } = await this.attempt(run, log, AbortSignal.any([lease.signal, stop]));
      const ended = await this.ending.end(run, change, report, facts);
      const state = ended?.state ?? (await this.changes.read(runId)).state;
      const why = ended === undefined || change.message === undefined ? '' : `: ${change.message}`;
      log.say(`${state}${why}`);
      this.log.log(`run ${runId} of ${run.mac} is ${state}${why}`);
    } finally {
      lease.end();
      await log.end();
    }
  }

  private async attempt(run: RunEntity, log: RunLog, signal: AbortSignal): Promise<Ending> {
    let begun = false;
    let report: ReportFile[] | null = null;
    try {
      const system = await this.approach.reach(run.mac, log, signal);
      const work = async (): Promise<Performed> => {
        await this.begin(run, system);
        begun = true;
        return this.performance.perform(run, system, log, signal);
      };
      const { error, facts, ...performed } = await this.slots.run(work, signal);
      report = performed.report;
      signal.throwIfAborted();
      const change: RunChange = error === undefined ? { event: 'succeed' } : endRun('fail', error);
      return { change, report, facts };
    } catch (thrown) {
      const error = toBtyError(thrown);
      if (!signal.aborted) return { change: endRun('fail', runErrorOf(error)), report };
      // What has not begun another worker may do; what has begun is not done twice.
      const change = begun
        ? endRun('interrupt', { code: 'INTERRUPTED', message: error.message })
        : giveRunBack(error.message);
      return { change, report };
    }
  }

  /** Throws when the run is not this worker's any more. */
  private async begin(run: RunEntity, system: FoundSystem): Promise<void> {
    const now = new Date();
    const start: RunChange = { event: 'start', set: { address: system.address, startedAt: now } };
    const decide = (present: RunEntity) => (present.workerId === this.workerId ? start : undefined);
    if ((await this.changes.change(run.id, WORKER, now, decide)) === undefined) {
      throw new TypeError(`run ${run.id} was taken from this worker`);
    }
  }
}
