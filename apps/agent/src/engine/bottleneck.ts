import type { Bottleneck } from '@bty/wire-types';
import type { Spent } from './segment.js';

// The rest of the time of a busy thread goes to system calls and to the kernel's share of the work.
const BUSY_SHARE = 0.6;

/**
 * What the work waited for most: the processor when the threads computed for most of the time that passed, else the line
 * or the disk, whichever was waited for longer.
 */
export function bottleneckOf({ cpuMs, diskMs, networkMs }: Spent, wallMs: number, threads: number): Bottleneck {
  if (wallMs > 0 && cpuMs >= BUSY_SHARE * wallMs * threads) return 'cpu';
  return networkMs > diskMs ? 'network' : 'disk';
}
