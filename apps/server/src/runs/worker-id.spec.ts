import { describe, expect, it } from 'vitest';
import { isGone, workerIdText } from './worker-id.js';

const HERE = { host: 'lab', pid: 100, random: 'r1' };
const alive = (pid: number) => pid === 100 || pid === 200;

describe('isGone', () => {
  it.each([
    ['itself', 'lab:100:r1', false],
    ['an earlier process of the same number', 'lab:100:r0', true],
    ['another live process', 'lab:200:r0', false],
    ['a dead process', 'lab:300:r0', true],
    ['a process of another host', 'other:300:r0', false],
    ['something else', 'lab', false],
  ])('of %s', (_name, text, expected) => {
    expect(isGone(text, HERE, alive)).toBe(expected);
  });

  it('reads what workers are called', () => {
    expect(isGone(workerIdText({ ...HERE, pid: 300 }), HERE, alive)).toBe(true);
  });
});
