import { expect, it } from 'vitest';
import { judge, percentile } from './figures.ts';

const FIGURE = { name: 'a', title: 'A', unit: 'ms', target: 100, is: 'at most', remark: '' } as const;

it('is met at its target and not beyond', () => {
  expect(judge({ ...FIGURE, value: 100 }).met).toBe(true);
  expect(judge({ ...FIGURE, value: 100.1 }).met).toBe(false);
  expect(judge({ ...FIGURE, value: 99, is: 'at least' }).met).toBe(false);
});

it('is never met with a problem, nor without a value', () => {
  expect(judge({ ...FIGURE, value: 1, problem: '3 requests failed' })).toMatchObject({
    met: false,
    remark: '3 requests failed',
  });
  expect(judge({ ...FIGURE, value: null }).met).toBe(false);
});

it('takes percentiles from the values that there are', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([percentile(hundred, 0.99), percentile(hundred, 0.5), percentile([7], 0.99), percentile([], 0.5)]).toEqual([
    99,
    50,
    7,
    null,
  ]);
});
