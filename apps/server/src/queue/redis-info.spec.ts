import { describe, expect, it } from 'vitest';
import { redisProblem } from './redis-info.js';

function info(fields: Record<string, string | number>): string {
  return ['# Memory', ...Object.entries(fields).map(([name, value]) => `${name}:${value}`), ''].join('\r\n');
}

const SOUND = { used_memory: 1000, used_memory_human: '1000B', maxmemory: 0, maxmemory_policy: 'noeviction' };

describe('a Redis for queues', () => {
  it('is sound when it keeps what it was given', () => {
    expect(redisProblem(info(SOUND))).toBeUndefined();
    expect(redisProblem(info({ ...SOUND, maxmemory: 1001 }))).toBeUndefined();
  });

  it.each(['allkeys-lru', 'volatile-ttl'])('is not with the policy %s', (policy) => {
    expect(redisProblem(info({ ...SOUND, maxmemory_policy: policy }))).toContain(`not ${policy}`);
  });

  it('is not when it is full', () => {
    expect(redisProblem(info({ ...SOUND, maxmemory: 1000 }))).toContain('1000 of 1000 bytes');
  });

  it('is taken as it is when it does not tell', () => {
    expect(redisProblem('')).toBeUndefined();
  });
});
