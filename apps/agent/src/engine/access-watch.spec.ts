import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AccessWatch } from './access-watch.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('accesses that are watched', () => {
  it('are given up once when no answer comes, with their place; those that ended are not', () => {
    const watch = new AccessWatch('/dev/sda', 60_000);
    const given: string[] = [];
    watch.begin('read', 4096, (error) => void given.push(error.message));
    watch.end(watch.begin('write', 8192, (error) => void given.push(error.message)));
    vi.advanceTimersByTime(59_000);
    expect(given).toEqual([]);
    vi.advanceTimersByTime(300_000);
    expect(given).toEqual(['/dev/sda: read at byte 4096: no answer within 60 s']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
