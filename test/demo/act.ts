import type { Lab } from '../lab/lab.ts';
import type { Machine } from '../lab/machine.ts';
import type { ProgressLine } from './progress-line.ts';

/** Where an act plays. */
export interface Stage {
  readonly lab: Lab;
  readonly machine: Machine;
  readonly view: ProgressLine;
  /** Notes in the timeline that something has happened, at `at` (Date.now() milliseconds). */
  mark(event: string, at: number): void;
}

/** What an act has shown. */
export interface Shown {
  /** Sentences about what was looked at and found right. */
  readonly checks: readonly string[];
  /** Measured durations in seconds, by what they are. */
  readonly figures: Readonly<Record<string, number>>;
}

/** What a provisioning mode adds to the demo. A check that fails is thrown. */
export interface Act {
  /** Makes the server ready; resolves to the fields of the machine's record that the mode needs. */
  prepare(stage: Stage): Promise<Record<string, unknown>>;
  /** Plays while the flashed machine boots, and after it. */
  follow(stage: Stage): Promise<Shown>;
}

/** Throws unless `seen` is what was expected. Resolves to the sentence that says so. */
export function checked(what: string, seen: string, expected: string): string {
  if (seen !== expected) throw new Error(`${what}: ${JSON.stringify(seen)}, not ${JSON.stringify(expected)}`);
  return `${what}: ${seen}`;
}
