import type { FlashTold, LookedAt } from '../cli/local-flash.js';
import type { Lookup, TuiChoice, TuiDisk, TuiImage } from './tui-state.js';

/** What the terminal UI looks at and does. What throws is shown. */
export interface TuiWorld {
  images(signal: AbortSignal): Promise<readonly TuiImage[]>;
  disks(): Promise<readonly TuiDisk[]>;
  /** Looks whether a choice can be carried out; the image stays open. */
  look(choice: TuiChoice, signal: AbortSignal): Promise<LookedAt>;
  /** Writes what was looked at, and tells who must know. Gives what came of it, a line each. */
  flash(looked: LookedAt, told: FlashTold, signal: AbortSignal): Promise<readonly string[]>;
  /** Boots the disk that was flashed last. */
  reboot(): Promise<void>;
}

/** Something looked up, or why it could not be. */
export async function lookup<T>(work: () => Promise<readonly T[]>): Promise<Lookup<T>> {
  try {
    return await work();
  } catch (error) {
    return { problem: (error as Error).message.split('\n', 1)[0] ?? '' };
  }
}
