import type { FlashResult } from '@bty/wire-types';

/** A flash that moved less says little about the disk. */
const MIN_BYTES = 64 * 1024 * 1024;
/** With fewer earlier flashes nobody knows what is usual. */
const MIN_EARLIER = 3;
/** Below this part of the usual rate a disk is much slower. */
const SLOW_RATIO = 0.5;

/** A phase in which the disk did much less in a second than it used to. */
export interface SlowDisk {
  readonly phase: 'verifying' | 'writing';
  readonly bytes_per_second: number;
  readonly usual_bytes_per_second: number;
  /** How many earlier flashes of this disk `usual` is the median of. */
  readonly flashes: number;
}

type Speeds = Readonly<Record<SlowDisk['phase'], number | undefined>>;

function rate(bytes: number, ms: number | undefined): number | undefined {
  return bytes < MIN_BYTES || !ms ? undefined : (bytes / ms) * 1000;
}

/** What a flash says about the speed of its disk. Writing says it only when it did not wait for the network or the CPU. */
function speedsOf(result: FlashResult): Speeds {
  const written = result.bottleneck === 'disk' ? result.bytes_written + result.bytes_zeroed : 0;
  return {
    verifying: rate(result.bytes_verified, result.stage_ms.verifying),
    writing: rate(written, result.stage_ms.writing),
  };
}

function isSameDisk(a: FlashResult, b: FlashResult): boolean {
  const [one, other] = [a.target, b.target];
  if (one.serial !== undefined && other.serial !== undefined) return one.serial === other.serial;
  return one.path === other.path && one.size_bytes === other.size_bytes;
}

/** Whether the disk of a flash has got much slower than it was in earlier flashes of the machine; the worst phase, if so. */
export function findSlowDisk(result: FlashResult, earlier: readonly FlashResult[]): SlowDisk | undefined {
  const speeds = speedsOf(result);
  const before = earlier.filter((one) => isSameDisk(one, result)).map(speedsOf);
  const slow = (['verifying', 'writing'] as const).flatMap((phase): (SlowDisk & { ratio: number })[] => {
    const now = speeds[phase];
    const known = before.flatMap((one) => one[phase] ?? []).sort((a, b) => a - b);
    const usual = known[known.length >> 1];
    if (now === undefined || usual === undefined || known.length < MIN_EARLIER || now >= usual * SLOW_RATIO) return [];
    const rates = { bytes_per_second: Math.round(now), usual_bytes_per_second: Math.round(usual) };
    return [{ phase, ...rates, flashes: known.length, ratio: now / usual }];
  });
  const worst = slow.sort((a, b) => a.ratio - b.ratio)[0];
  if (worst === undefined) return undefined;
  const { ratio: _, ...found } = worst;
  return found;
}
