import { describe, expect, it } from 'vitest';
import { Hearing } from './hearing.js';

describe('the server’s hearing', () => {
  it('has lasted since the start while Postgres answers', () => {
    const hearing = new Hearing(1_000);
    for (let now = 2_000; now <= 10_000; now += 1_000) hearing.heard(now);
    expect(hearing.since(12_000)).toBe(1_000);
  });

  it('begins anew after a gap, and has not begun in the middle of one', () => {
    const hearing = new Hearing(0);
    expect(hearing.since(3_000)).toBe(0);
    expect(hearing.since(3_001)).toBe(3_001);
    hearing.heard(60_000);
    hearing.heard(61_000);
    expect(hearing.since(62_000)).toBe(60_000);
  });
});
