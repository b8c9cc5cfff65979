import { expect, it } from 'vitest';
import { flashSlots } from './flash-slots.js';

it.each([
  [{ maxFlashes: 0, flashBandwidthMib: 0, flashMinRateMib: 20 }, Number.POSITIVE_INFINITY],
  [{ maxFlashes: 32, flashBandwidthMib: 0, flashMinRateMib: 20 }, 32],
  [{ maxFlashes: 32, flashBandwidthMib: 110, flashMinRateMib: 20 }, 5],
  [{ maxFlashes: 2, flashBandwidthMib: 1100, flashMinRateMib: 20 }, 2],
  [{ maxFlashes: 0, flashBandwidthMib: 10, flashMinRateMib: 20 }, 1],
])('of a budget of %j makes %d slots', (budget, slots) => {
  expect(flashSlots(budget)).toBe(slots);
});
