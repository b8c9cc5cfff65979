import type { Actor } from '../http/index.js';
import type { FlashJobEntity } from './flash-job.entity.js';
import type { ChangeTransaction } from './flash-job-changes.repository.js';

/** Port: how a flash that has succeeded leads to what comes after it, which stands above flash jobs. */
export abstract class AfterFlash {
  /** Stores what is to come, in the transaction of the success. Returns what there is to do once that has happened. */
  abstract succeededIn(
    manager: ChangeTransaction,
    job: FlashJobEntity,
    actor: Actor,
    now: Date,
  ): Promise<(() => void) | undefined>;
}
