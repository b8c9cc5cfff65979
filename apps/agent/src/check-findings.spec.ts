import { CHECK_LIMITS, type CheckFinished, PROTOCOL_LIMITS, parseAgentFrame } from '@bty/wire-types';
import { describe, expect, it } from 'vitest';
import { checkFindings, checkSentence } from './check-findings.js';

const HUGE = Number.MAX_SAFE_INTEGER;

describe('what a check found', () => {
  it('fits the largest frame, however much of it there is', () => {
    const partition = { offsetBytes: HUGE, lengthBytes: HUGE, uuid: 'u', name: '"\\\u0000€'.repeat(18) };
    const check = {
      comparedBytes: HUGE,
      differingBytes: HUGE - 1,
      ranges: Array.from({ length: 5000 }, () => ({ offsetBytes: HUGE, lengthBytes: HUGE })),
      partitions: Array.from({ length: 500 }, () => ({ ...partition, number: HUGE, differingBytes: HUGE })),
      outsideBytes: HUGE,
    };
    const target = {
      path: 'p'.repeat(255),
      size_bytes: HUGE,
      serial: 's'.repeat(255),
      wwn: 'w',
      model: 'm'.repeat(255),
    };
    const result = { target, ...checkFindings(check, CHECK_LIMITS.ranges), duration_ms: HUGE };
    const ref = { job_id: '3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f', epoch: HUGE, seq: HUGE };
    const message: CheckFinished = { type: 'check.finished', ...ref, outcome: 'succeeded', result };
    expect(result.ranges_left_off).toBe(5000 - CHECK_LIMITS.ranges);
    expect(parseAgentFrame(JSON.stringify(message)).problem).toBeUndefined();
    expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(PROTOCOL_LIMITS.maxFrameBytes);
  });

  it('reads as a sentence', () => {
    const root = { number: 2, name: 'root', offsetBytes: 0, lengthBytes: 9000, uuid: 'u', differingBytes: 4096 };
    const check = {
      comparedBytes: 100_000,
      differingBytes: 5000,
      ranges: [{ offsetBytes: 0, lengthBytes: 5000 }],
      partitions: [root],
      outsideBytes: 904,
    };
    expect(checkSentence(checkFindings(check, 10), '/dev/vda')).toBe(
      '/dev/vda differs from the image in 5.0 kB of 100.0 kB (5.00 %), in 1 place; ' +
        'partition 2 (root): 4.1 kB, outside the partitions: 904 B',
    );
    const equal = { ...check, differingBytes: 0, ranges: [], partitions: [], outsideBytes: 0 };
    expect(checkSentence(checkFindings(equal, 10), '/dev/vda')).toBe(
      '/dev/vda is equal to the image: 100.0 kB compared',
    );
  });
});
