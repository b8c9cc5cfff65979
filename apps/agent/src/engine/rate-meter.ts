const WINDOW_MS = 3000;

/** Bytes a second over the last three seconds, from a count that only grows. */
export class RateMeter {
  #samples: { atMs: number; bytes: number }[] = [];

  /** Takes the count at a monotonic time and returns the rate up to now, 0 when there is nothing to compare with. */
  sample(bytes: number, atMs: number): number {
    this.#samples.push({ atMs, bytes });
    while (this.#samples.length > 2 && atMs - (this.#samples[1]?.atMs ?? atMs) >= WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0];
    if (first === undefined || atMs <= first.atMs) return 0;
    return Math.max(0, Math.round(((bytes - first.bytes) * 1000) / (atMs - first.atMs)));
  }
}
