import { expect, it } from 'vitest';
import { type Holder, RecentHolders } from './recent-holders.service.js';

const NOW = new Date('2030-01-01T00:00:00Z');
const later = (ms: number): Date => new Date(NOW.getTime() + ms);

function holder(expiresAt: Date | null = null): Holder {
  return { caller: { name: 'token:ci', role: 'ci', credential: { kind: 'token', id: 'a' } }, expiresAt };
}

function withOne(expiresAt: Date | null = null): RecentHolders {
  const recent = new RecentHolders();
  recent.add('key', holder(expiresAt), recent.moment, NOW);
  return recent;
}

it('spares another look for a second', () => {
  const recent = withOne();
  expect(recent.fresh('key', later(999))).toEqual(holder());
  expect(recent.fresh('key', later(1_000))).toBeUndefined();
  expect(recent.fresh('other', NOW)).toBeUndefined();
});

it('forgets everybody at once when a credential was revoked, but not that they were known', () => {
  const recent = withOne();
  recent.lookAgain();
  expect(recent.fresh('key', NOW)).toBeUndefined();
  expect(recent.isKnown('key', NOW)).toBe(true);
});

it('does not believe a look that began before a revocation and ended after it', () => {
  const recent = new RecentHolders();
  const { moment } = recent;
  recent.lookAgain();
  recent.add('key', holder(), moment, NOW);
  expect(recent.fresh('key', NOW)).toBeUndefined();
});

it('ends with the credential itself', () => {
  const recent = withOne(later(500));
  expect(recent.fresh('key', later(499))).toBeDefined();
  expect(recent.fresh('key', later(500))).toBeUndefined();
});

it('knows whom it has seen for five minutes, and ten thousand of them', () => {
  const recent = withOne();
  expect([recent.isKnown('key', later(299_999)), recent.isKnown('key', later(300_000))]).toEqual([true, false]);
  for (let index = 0; index < 10_000; index += 1) recent.add(`key-${index}`, holder(), recent.moment, NOW);
  expect([recent.isKnown('key', NOW), recent.isKnown('key-0', NOW)]).toEqual([false, true]);
});
