import { describe, expect, it } from 'vitest';
import { differencesText, diffFacts } from './diff-facts.js';
import { type Facts, hardwareFacts, readFacts } from './facts.js';

const HASH = { a: 'a'.repeat(64), b: 'b'.repeat(64) };

describe('readFacts', () => {
  it('reads sections, names and values, and drops what it does not know', () => {
    const text = [
      'bty-facts 1',
      'os\tID\tdebian',
      'packages\tkernel.x86_64\t0:6.2',
      'packages\tkernel.x86_64\t0:6.1',
      'etc\t/etc/with space\tlink to ../x',
      'etc\tno value',
      'services',
      'hardware\tram_bytes\t1',
      'unknown\tx\ty',
      'garbage',
      'bty-facts end',
      '',
    ].join('\n');
    expect(readFacts(text)).toEqual({
      os: { ID: 'debian' },
      packages: { 'kernel.x86_64': '0:6.1, 0:6.2' },
      etc: { '/etc/with space': 'link to ../x' },
      services: {},
    });
  });

  it.each(['', 'bty-facts 1\nos\tID\tdebian\n', 'bty-facts 2\nbty-facts end\n', 'sudo: a password is required\n'])(
    'takes %j for no answer, or one that was cut off',
    (text) => {
      expect(readFacts(text)).toBeUndefined();
    },
  );
});

describe('diffFacts', () => {
  const base: Facts = {
    packages: { 'bash:amd64': '5.2-1', 'nano:amd64': '7.2-1' },
    services: { 'ssh.service': 'enabled' },
    etc: { '/etc/motd': HASH.a, '/etc/resolv.conf': HASH.a, '/etc/passwd-': HASH.a },
    mounts: { '/': '/dev/vda1 ext4 rw' },
  };

  it.each<[string, Facts, string[], string[]]>([
    ['nothing', {}, [], []],
    [
      'a newer package',
      { packages: { 'bash:amd64': '5.2-2', 'nano:amd64': '7.2-1' } },
      [],
      ['packages bash:amd64 5.2-1 5.2-2'],
    ],
    ['a package that is gone', { packages: { 'bash:amd64': '5.2-1' } }, [], ['packages nano:amd64 7.2-1 null']],
    [
      'a new service',
      { services: { 'ssh.service': 'enabled', 'x.service': 'enabled' } },
      [],
      ['services x.service null enabled'],
    ],
    ['a changed file', { etc: { ...base.etc, '/etc/motd': HASH.b } }, [], [`etc /etc/motd ${HASH.a} ${HASH.b}`]],
    ['what always changes', { etc: { ...base.etc, '/etc/resolv.conf': HASH.b, '/etc/passwd-': HASH.b } }, [], []],
    ['what the record ignores by path', { etc: { ...base.etc, '/etc/motd': HASH.b } }, ['/etc/mo*'], []],
    ['what the record ignores by section', { packages: { 'bash:amd64': '1' } }, ['packages:*'], []],
    [
      'what is ignored elsewhere only',
      { packages: { 'bash:amd64': '5.2-1', 'nano:amd64': '8' } },
      ['etc:nano*'],
      ['packages nano:amd64 7.2-1 8'],
    ],
    [
      'a pattern with characters of regular expressions',
      { packages: { 'bash:amd64': '5.2-1', 'nano:amd64': '8' } },
      ['packages:nan.:amd64', 'packages:(n+)+$'],
      ['packages nano:amd64 7.2-1 8'],
    ],
    ['a section that could not be looked at', { mounts: undefined as never }, [], []],
  ])('finds %s', (_name, change, ignore, expected) => {
    const found = diffFacts(base, { ...base, ...change }, ignore);
    expect(found.map(({ section, name, before, after }) => `${section} ${name} ${before} ${after}`)).toEqual(expected);
  });

  it('reads well', () => {
    const differences = diffFacts(
      base,
      {
        ...base,
        etc: { '/etc/motd': HASH.b, '/etc/new': HASH.b, '/etc/resolv.conf': HASH.a, '/etc/passwd-': HASH.a },
        packages: { 'bash:amd64': '5.2-2' },
      },
      [],
    );
    expect(differencesText(differences)).toBe(
      `packages\n  ~ bash:amd64  5.2-1 -> 5.2-2\n  - nano:amd64  7.2-1\netc\n  ~ /etc/motd\n  + /etc/new  ${HASH.b}\n`,
    );
  });
});

describe('hardwareFacts', () => {
  it('names disks by what stays with them, and leaves out what changes by itself', () => {
    const disk = {
      ...{ path: '/dev/sda', size_bytes: 100, logical_sector_bytes: 512, by_id: [], transport: 'sata' as const },
      ...{ removable: false, read_only: false, in_use: [] },
    };
    const inventory = {
      disks: [{ ...disk, serial: 'S1', model: 'M' }, disk],
      nics: [{ name: 'eth0', mac: '52:54:00:00:00:01', link: true, driver: 'e1000e' }],
      firmware: 'uefi' as const,
      ram_bytes: 1024,
      cpu_count: 2,
    };
    expect(hardwareFacts(inventory)).toEqual({
      firmware: 'uefi',
      ram_bytes: '1024',
      cpu_count: '2',
      'disk S1': 'M, sata, 100 bytes in sectors of 512',
      'disk /dev/sda': 'unknown model, sata, 100 bytes in sectors of 512',
      'nic 52:54:00:00:00:01': 'e1000e',
    });
  });
});
