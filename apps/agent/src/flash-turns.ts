import { BtyError, type JobRef } from '@bty/wire-types';
import { OneAtATime } from './engine/one-at-a-time.js';

/** A person at the console and the server may both flash this machine: one after the other, the server without asking. */
export class FlashTurns {
  readonly #turns = new OneAtATime();
  #ofServer = 0;
  #waiting: JobRef | undefined;

  /** The server's job that waits for what the person does. */
  get waiting(): JobRef | undefined {
    return this.#waiting;
  }

  /** Throws `JOB_ACTIVE` when the server's job is on: a person decides anew when that is over. */
  forPerson<T>(work: () => Promise<T>): Promise<T> {
    if (this.#ofServer > 0) {
      return Promise.reject(new BtyError('JOB_ACTIVE', 'the server has a flash job for this machine'));
    }
    return this.#turns.run(work);
  }

  async forServer<T>(ref: JobRef, work: () => Promise<T>): Promise<T> {
    this.#ofServer += 1;
    this.#waiting = ref;
    try {
      return await this.#turns.run(() => {
        this.#waiting = undefined;
        return work();
      });
    } finally {
      this.#ofServer -= 1;
    }
  }
}
