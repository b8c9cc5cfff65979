import { BtyError } from '@bty/wire-types';
import { Injectable, Logger } from '@nestjs/common';
import type { Actor, RevisionCheck } from '../http/index.js';
import { AgentDispatcher } from './agent-dispatcher.port.js';
import type { FlashJobEntity } from './flash-job.entity.js';
import { FlashJobChangesRepository, jobRevision } from './flash-job-changes.repository.js';
import { isActive } from './job-state.js';

/** Cancels flash jobs. */
@Injectable()
export class FlashJobCancel {
  private readonly log = new Logger('FlashJobs');

  constructor(
    private readonly changes: FlashJobChangesRepository,
    private readonly agents: AgentDispatcher,
  ) {}

  /**
   * Cancels an active job; a cancelled one stays as it is. Throws NOT_FOUND, and CONFLICT when the job has ended
   * otherwise or makes its disk bootable already.
   */
  async cancel(id: string, actor: Actor, check: RevisionCheck, now: Date): Promise<FlashJobEntity> {
    const reason = { code: 'CANCELLED', message: `cancelled by ${actor.name}` } as const;
    const changed = await this.changes.change(id, actor, now, (job) => {
      check(jobRevision(job));
      if (job.state === 'cancelled') return undefined;
      if (!isActive(job.state)) throw new BtyError('CONFLICT', `the job has ${job.state} already`);
      if (job.commitGrantedAt !== null) {
        throw new BtyError('CONFLICT', 'the job is making its disk bootable; it cannot be cancelled any more');
      }
      return { event: 'cancel', set: { error: reason }, reason };
    });
    if (changed === undefined) return this.changes.read(id);
    this.log.log(`flash job ${id} of ${changed.mac} was cancelled by ${actor.name}`);
    this.agents.notify(changed.mac);
    return changed;
  }
}
