import { BtyError } from '@bty/wire-types';
import { Injectable, Logger } from '@nestjs/common';
import type { Actor, RevisionCheck } from '../http/index.js';
import { ReportStore } from '../reports/index.js';
import type { RunEntity } from './run.entity.js';
import { endRun } from './run-change.js';
import { RunChangesRepository, runRevision } from './run-changes.repository.js';
import { isActiveRun } from './run-state.js';

/** Cancels runs, and removes those that are over. */
@Injectable()
export class RunCancel {
  private readonly log = new Logger('Runs');

  constructor(
    private readonly changes: RunChangesRepository,
    private readonly reports: ReportStore,
  ) {}

  /**
   * Cancels an active run; a cancelled one stays as it is. Its worker learns of it within a second, and stops the workflow.
   * Throws NOT_FOUND, and CONFLICT when the run has ended otherwise.
   */
  async cancel(id: string, actor: Actor, check: RevisionCheck, now: Date): Promise<RunEntity> {
    const error = { code: 'CANCELLED', message: `cancelled by ${actor.name}` } as const;
    const changed = await this.changes.change(id, actor, now, (run) => {
      check(runRevision(run));
      if (run.state === 'cancelled') return undefined;
      if (!isActiveRun(run.state)) throw new BtyError('CONFLICT', `the run is ${run.state} already`);
      return endRun('cancel', error);
    });
    if (changed === undefined) return this.changes.read(id);
    this.log.log(`run ${id} of ${changed.mac} was cancelled by ${actor.name}`);
    return changed;
  }

  /** Removes a run with its log and its report. Throws NOT_FOUND, and IN_USE while it is active. */
  async remove(id: string, actor: Actor, check: RevisionCheck): Promise<void> {
    await this.changes.remove(id, actor, check);
    await this.reports.remove(`runs/${id}`);
  }
}
