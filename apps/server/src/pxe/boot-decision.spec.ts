import { describe, expect, it } from 'vitest';
import { decideBoot } from './boot-decision.js';

const NOW = new Date('2026-11-22T12:00:00Z');
const LATER = new Date(NOW.getTime() + 1000);
const JOB = {
  id: '3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f',
  kind: 'flash',
  state: 'queued',
  provisioningMode: 'none',
} as const;

describe('decideBoot', () => {
  it.each([
    ['local', 'no', null, 'local', undefined, 'boot policy local'],
    ['flash', 'no', null, 'live-env', 'flash', 'boot policy flash'],
    ['tui', 'no', null, 'live-env', 'tui', 'boot policy tui'],
    ['local', 'a', null, 'live-env', 'flash', `flash job ${JOB.id} is queued`],
    ['tui', 'a', null, 'live-env', 'flash', `flash job ${JOB.id} is queued`],
    ['flash', 'a', LATER, 'live-env', 'flash', `flash job ${JOB.id} is queued`],
    ['flash', 'no', LATER, 'local', undefined, 'this is the first boot after a flash or a check'],
    ['tui', 'no', LATER, 'local', undefined, 'this is the first boot after a flash or a check'],
    ['flash', 'no', NOW, 'live-env', 'flash', 'boot policy flash'],
  ] as const)(
    'policy %s, %s active job, first boot until %s: %s %s',
    (bootPolicy, job, firstBootUntil, boot, mode, reason) => {
      const decision = decideBoot(
        { bootPolicy, firstBootUntil, provisioningMode: 'none' },
        job === 'a' ? JOB : undefined,
        NOW,
      );
      expect(decision).toEqual(mode === undefined ? { boot, reason } : { boot, mode, cijoe: false, reason });
    },
  );

  it('sends a machine to a check as to a flash', () => {
    const machine = { bootPolicy: 'local', firstBootUntil: LATER, provisioningMode: 'cijoe' } as const;
    const reason = `check job ${JOB.id} is queued`;
    expect(decideBoot(machine, { ...JOB, kind: 'check' }, NOW)).toEqual({
      boot: 'live-env',
      mode: 'flash',
      cijoe: false,
      reason,
    });
  });

  it('sends a machine whose agent has died back to its job', () => {
    const decision = decideBoot(
      { bootPolicy: 'local', firstBootUntil: null, provisioningMode: 'none' },
      { ...JOB, state: 'running' },
      NOW,
    );
    expect(decision).toMatchObject({ boot: 'live-env', mode: 'flash' });
  });

  it.each([
    ['cijoe', undefined, true],
    ['none', 'cijoe', true],
    ['cijoe', 'none', false],
    ['cijoe-online', undefined, false],
  ] as const)('a record with %s and a job with %s: runs workflows %s', (provisioningMode, jobMode, cijoe) => {
    const job = jobMode && { ...JOB, provisioningMode: jobMode };
    const machine = { bootPolicy: 'flash', firstBootUntil: null, provisioningMode } as const;
    expect(decideBoot(machine, job, NOW)).toMatchObject({ boot: 'live-env', cijoe });
  });
});
