import { BtyError } from '@bty/wire-types';

interface Pending {
  sinceMs: number;
  what: string;
  atBytes: number;
  giveUp(error: BtyError): void;
}

const LOOK_EVERY_MS = 5000;

/**
 * Gives up accesses that the kernel does not answer within `timeoutMs`: a dying disk can hold a system call for ever. One
 * timer looks after all of them, for thousands are begun in a second.
 */
export class AccessWatch {
  readonly #pending = new Set<Pending>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly path: string,
    private readonly timeoutMs: number,
  ) {}

  /** Begins to watch; `giveUp` is called at most once, not after `end`. */
  begin(what: string, atBytes: number, giveUp: (error: BtyError) => void): Pending {
    const pending = { sinceMs: performance.now(), what, atBytes, giveUp };
    this.#pending.add(pending);
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
    return pending;
  }

  end(pending: Pending): void {
    this.#pending.delete(pending);
  }

  #look(): void {
    const nowMs = performance.now();
    for (const pending of this.#pending) {
      if (nowMs - pending.sinceMs < this.timeoutMs) continue;
      this.#pending.delete(pending);
      const place = `${this.path}: ${pending.what} at byte ${pending.atBytes}`;
      const message = `${place}: no answer within ${Math.round(this.timeoutMs / 1000)} s`;
      pending.giveUp(new BtyError('DISK_IO', message, { details: { errno: 'ETIMEDOUT' } }));
    }
    if (this.#pending.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
