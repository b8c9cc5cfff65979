import { BtyError } from '@bty/wire-types';

const HEARTBEAT_MS = 1_000;
/** Longer without a word in Postgres, and others are about to take the worker for dead: it must not go on. */
const PATIENCE_MS = 30_000;

/**
 * A worker's hold on a run: it says in Postgres every second that it is alive, and learns there that it has to stop. Its
 * signal is aborted when the run is not this worker's any more, or when Postgres was away for so long that others may think so.
 */
export class RunLease {
  private readonly lost = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private heardAt = Date.now();
  private ended = false;

  /** `beat` resolves to whether the run is still this worker's. */
  constructor(
    private readonly beat: () => Promise<boolean>,
    private readonly warn: (error: unknown) => void,
  ) {
    this.again();
  }

  get signal(): AbortSignal {
    return this.lost.signal;
  }

  end(): void {
    clearTimeout(this.timer);
    this.ended = true;
  }

  private again(): void {
    this.timer = setTimeout(() => void this.tick(), HEARTBEAT_MS);
  }

  private async tick(): Promise<void> {
    try {
      const held = await this.beat();
      this.heardAt = Date.now();
      if (!held) this.lose('the run was taken from this worker');
    } catch (error) {
      this.warn(error);
      if (Date.now() - this.heardAt > PATIENCE_MS) this.lose('Postgres was away too long');
    }
    if (!this.ended && !this.lost.signal.aborted) this.again();
  }

  private lose(reason: string): void {
    if (!this.ended) this.lost.abort(new BtyError('INTERRUPTED', reason));
  }
}
