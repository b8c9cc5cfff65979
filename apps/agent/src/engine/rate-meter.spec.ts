import { describe, expect, it } from 'vitest';
import { fullJitterMs } from '../backoff.js';
import { RateMeter } from './rate-meter.js';

describe('RateMeter', () => {
  it('tells the rate of the last seconds, not of the whole', () => {
    const meter = new RateMeter();
    expect(meter.sample(0, 0)).toBe(0);
    expect(meter.sample(1000, 1000)).toBe(1000);
    for (let second = 2; second <= 10; second += 1) meter.sample(1000 + (second - 1) * 10, second * 1000);
    expect(meter.sample(1100, 11_000)).toBe(10);
  });
});

describe('fullJitterMs', () => {
  it('doubles its bound up to 10 s, and is anything below', () => {
    expect([0, 1, 2, 5, 60].map((attempt) => fullJitterMs(attempt, 1))).toEqual([500, 1000, 2000, 10_000, 10_000]);
    expect(fullJitterMs(60, 0)).toBe(0);
    expect(fullJitterMs(3, 0.25)).toBe(1000);
  });
});
