import type { FlashResult } from '@bty/wire-types';
import { describe, expect, it } from 'vitest';
import { findSlowDisk } from './disk-speed.js';

const GIB = 2 ** 30;

/** A flash of a GiB whose disk was read back at this rate. */
function flash(verifyMs: number, more: Partial<FlashResult> = {}): FlashResult {
  return {
    target: { path: '/dev/sda', size_bytes: 8 * GIB, serial: 'S1' },
    bytes_fetched: GIB,
    bytes_written: GIB,
    bytes_skipped: 0,
    bytes_zeroed: 0,
    bytes_verified: GIB,
    verify: 'full',
    strategy: 'write-through',
    strategy_reason: '',
    bottleneck: 'network',
    duration_ms: 10_000,
    stage_ms: { writing: 8_000, verifying: verifyMs },
    gpt_relocated: false,
    peak_rss_bytes: 1,
    ...more,
  };
}

const USUAL = [1000, 1100, 900].map((ms) => flash(ms));

describe('findSlowDisk', () => {
  it('tells a disk that reads back at less than half of its usual rate', () => {
    expect(findSlowDisk(flash(2500), USUAL)).toEqual({
      phase: 'verifying',
      bytes_per_second: Math.round(GIB / 2.5),
      usual_bytes_per_second: GIB,
      flashes: 3,
    });
  });

  it.each([
    ['one that is a little slower', flash(1800), USUAL],
    ['one that was flashed too seldom', flash(9000), USUAL.slice(1)],
    ['another disk than before', flash(9000, { target: { path: '/dev/sda', size_bytes: GIB, serial: 'S2' } }), USUAL],
    ['a flash that read too little', flash(9000, { bytes_verified: 1 << 20 }), USUAL],
    ['slow writing that waited for the network', flash(1000, { stage_ms: { writing: 90_000 } }), USUAL],
  ])('says nothing about %s', (_name, now, earlier) => {
    expect(findSlowDisk(now, earlier)).toBeUndefined();
  });

  it('looks at writing when that waited for the disk', () => {
    const onDisk = (writing: number) => flash(1000, { bottleneck: 'disk', stage_ms: { writing, verifying: 1000 } });
    expect(findSlowDisk(onDisk(50_000), [8000, 8000, 8000].map(onDisk))).toMatchObject({ phase: 'writing' });
  });
});
