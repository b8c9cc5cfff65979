import { expect, it } from 'vitest';
import { hears, nextAttempt } from './delivery-plan.js';

it.each([
  [[], 'machine.booted', true],
  [['flash-job.failed'], 'flash-job.failed', true],
  [['flash-job.failed'], 'flash-job.succeeded', false],
  [['flash-job.*'], 'flash-job.succeeded', true],
  [['flash-job.*'], 'flash-jobs.other', false],
])('a webhook for %j hears of %s: %s', (actions, action, expected) => {
  expect(hears(actions, action)).toBe(expected);
});

it('tries again after five seconds, then ever more seldom, and gives up after nine attempts', () => {
  const now = new Date(0);
  expect(nextAttempt(1, now)).toEqual(new Date(5_000));
  expect(nextAttempt(8, now)).toEqual(new Date(14_400_000));
  expect(nextAttempt(9, now)).toBeUndefined();
});
