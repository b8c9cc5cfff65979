import type { FlashJobEntity } from './flash-job.entity.js';

/** Port: who counts what becomes of flash jobs. */
export abstract class FlashJobObserver {
  /** A job has come into a final state, by this process. */
  abstract ended(job: FlashJobEntity): void;
}
