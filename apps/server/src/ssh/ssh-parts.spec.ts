import { describe, expect, it } from 'vitest';
import { addressCandidates } from './address-candidates.js';
import { neighbourAddress } from './arp-table.js';
import { knownHosts, readKnownHosts } from './known-hosts.js';
import { readProbe, strangerReason } from './probe.js';
import { sshArguments, sshFailure } from './ssh-command.js';

const MAC = '52:54:00:00:00:01';
const KEY = `ssh-ed25519 ${'A'.repeat(68)}`;

describe('neighbourAddress', () => {
  const table = `IP address       HW type     Flags       HW address            Mask     Device
10.0.0.7         0x1         0x2         52:54:00:00:00:01     *        br0
10.0.0.8         0x1         0x0         52:54:00:00:00:02     *        br0
10.0.0.9         0x1         0x6         52:54:00:00:00:0A     *        br0
`;

  it.each([
    [MAC, '10.0.0.7'],
    ['52:54:00:00:00:0a', '10.0.0.9'],
    ['52:54:00:00:00:02', undefined],
    ['52:54:00:00:00:03', undefined],
  ])('of %s is %s', (mac, address) => {
    expect(neighbourAddress(table, mac)).toBe(address);
  });
});

describe('addressCandidates', () => {
  const known = { sshHost: null, bootedIp: null, neighbourIp: undefined, lastSeenIp: null };

  it.each([
    [{}, []],
    [{ lastSeenIp: 'a' }, ['a last_seen']],
    [{ lastSeenIp: 'a', neighbourIp: 'b', bootedIp: 'c' }, ['c booted', 'b neighbours', 'a last_seen']],
    [{ lastSeenIp: 'a', neighbourIp: 'a', bootedIp: 'a' }, ['a booted']],
    [{ sshHost: 'h', lastSeenIp: 'a', neighbourIp: 'b', bootedIp: 'c' }, ['h ssh_host']],
  ])('of %j are %j', (more, expected) => {
    const found = addressCandidates({ ...known, ...more });
    expect(found.map(({ address, source }) => `${address} ${source}`)).toEqual(expected);
  });
});

describe('readProbe', () => {
  it('reads what probe.sh prints, and only host keys that are ones', () => {
    const text = `bty-probe 1\nmac ${MAC}\nmac 00:00:00:00:00:00\nhost-key ${KEY}\nhost-key a b\nhost-key ${KEY} x\ncmdline ro quiet\n`;
    expect(readProbe(text)).toEqual({
      cmdline: 'ro quiet',
      macs: [MAC, '00:00:00:00:00:00'],
      hostKeys: [KEY],
      settingUp: false,
    });
    expect(readProbe(text.replace('cmdline', 'setting-up\ncmdline'))).toMatchObject({ settingUp: true });
  });

  it.each(['', 'bty-probe 2\ncmdline x\n', 'bty-probe 1\nmac x\n', 'This account is disabled.\n'])(
    'knows nothing from %j',
    (text) => {
      expect(readProbe(text)).toBeUndefined();
    },
  );
});

describe('strangerReason', () => {
  it.each([
    ['BOOT_IMAGE=/vmlinuz root=/dev/vda1', [MAC], undefined],
    ['root=/dev/vda1 x.bty.y=1', [MAC], undefined],
    ['root=/dev/vda1', ['52:54:00:00:00:02'], `it has no network card ${MAC} but 52:54:00:00:00:02`],
    ['root=/dev/vda1', [], `it has no network card ${MAC} but none`],
    [
      'initrd=base bty.token=secret bty.mode=flash',
      [MAC],
      'it is the live env still: its kernel was started with bty.token',
    ],
  ])('of %j with %j', (cmdline, macs, reason) => {
    expect(strangerReason({ cmdline, macs, hostKeys: [], settingUp: false }, MAC)).toBe(reason);
  });
});

describe('known hosts', () => {
  it('give back what was written, and what ssh has added', () => {
    expect(readKnownHosts(`${knownHosts([KEY])}bty ecdsa-sha2-nistp256 BBBB\n\nother rsa CCCC\n`)).toEqual([
      KEY,
      'ecdsa-sha2-nistp256 BBBB',
    ]);
  });
});

describe('sshArguments', () => {
  const line = { address: 'fd00::1', user: 'root', keyFile: '/k', knownHostsFile: '/h', connectTimeoutSeconds: 3 };

  it('believe the first key when none is pinned, and never afterwards', () => {
    expect(sshArguments({ ...line, pinned: false }, 'user')).toContain('StrictHostKeyChecking=accept-new');
    expect(sshArguments({ ...line, pinned: true }, 'user')).toContain('StrictHostKeyChecking=yes');
  });

  it('end the options before the address', () => {
    const args = sshArguments({ ...line, address: '-oProxyCommand=reboot', pinned: true }, 'root');
    expect(args.slice(-3, -1)).toEqual(['--', '-oProxyCommand=reboot']);
  });
});

describe('sshFailure', () => {
  it.each([
    [
      'ssh: connect to host 10.0.0.1 port 22: Connection refused\r\n',
      'SSH_UNREACHABLE',
      'ssh: connect to host 10.0.0.1 port 22: Connection refused',
    ],
    [
      'root@10.0.0.1: Permission denied (publickey).\r\n',
      'SSH_UNREACHABLE',
      'root@10.0.0.1: Permission denied (publickey).',
    ],
    [
      '@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n',
      'HOST_KEY_CHANGED',
      'it shows another host key than the one that is pinned',
    ],
    ['', 'SSH_UNREACHABLE', 'ssh gives no reason'],
  ])('of %j', (stderr, code, message) => {
    expect(sshFailure(stderr)).toEqual({ code, message });
  });
});
