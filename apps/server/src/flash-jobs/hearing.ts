/** A gap of this length means that the server could not hear: Postgres was away, or the server itself stood still. */
const DEAF_AFTER_MS = 3_000;

/**
 * Since when the server has been able to hear its agents. What they say counts when Postgres has it, so the server hears
 * nothing while Postgres is away, nor while its own process stands still. `now` and all times are milliseconds.
 */
export class Hearing {
  private sinceMs: number;
  private heardMs: number;

  constructor(now: number) {
    this.sinceMs = now;
    this.heardMs = now;
  }

  /** Postgres has answered. */
  heard(now: number): void {
    this.sinceMs = this.since(now);
    this.heardMs = now;
  }

  /** The start of the time without a gap that lasts until now; now itself in the middle of a gap. */
  since(now: number): number {
    return now - this.heardMs > DEAF_AFTER_MS ? now : this.sinceMs;
  }
}
