/**
 * Full jitter: a random wait between nought and a bound that doubles with every failure. Five hundred agents that lost
 * the same server come back spread out. `attempt` counts from 0, `random` is in [0, 1); returns milliseconds.
 */
export function fullJitterMs(attempt: number, random: number, baseMs = 500, capMs = 10_000): number {
  return Math.round(random * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 20)));
}
