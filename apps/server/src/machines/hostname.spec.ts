import { describe, expect, it } from 'vitest';
import { HOSTNAME, isHost } from './hostname.js';

describe('HOSTNAME', () => {
  it.each(['a', 'node-1', 'node-1.lab.example', '3com', `${'a'.repeat(63)}.b`])('takes %s', (name) => {
    expect(HOSTNAME.test(name)).toBe(true);
  });

  it.each(['', '-a', 'a-', 'a..b', 'a.', 'a_b', 'a b', 'ä', 'a\n', `${'a'.repeat(64)}`, `${'a.'.repeat(127)}aa`])(
    'refuses %j',
    (name) => {
      expect(HOSTNAME.test(name)).toBe(false);
    },
  );
});

describe('isHost', () => {
  it('takes addresses of both families', () => {
    expect([isHost('10.0.0.1'), isHost('fd00::1'), isHost('fd00::1%eth0; reboot')]).toEqual([true, true, false]);
  });
});
