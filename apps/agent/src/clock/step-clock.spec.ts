import { describe, expect, it } from 'vitest';
import { clockStep } from './step-clock.js';

const DATE = 'Sun, 22 Nov 2026 20:00:00 GMT';
const SECONDS = 1795377600;

describe('clockStep', () => {
  it('steps a clock that starts in 1970 to the server’s', () => {
    expect(clockStep(DATE, 0)).toBe(SECONDS);
  });

  it.each([
    ['the clock is ahead', DATE, (SECONDS + 3600) * 1000],
    ['the clock is right to the second', DATE, SECONDS * 1000 - 900],
    ['the server tells no date', undefined, 0],
    ['the server tells nonsense', 'soon', 0],
  ])('leaves it alone when %s', (_name, date, now) => {
    expect(clockStep(date, now)).toBeUndefined();
  });
});
