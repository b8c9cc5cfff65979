import { describe, expect, it } from 'vitest';
import { mountedAbove, optionOf, parseFstab } from './fstab.js';

describe('parseFstab', () => {
  it('reads fields apart by blanks and tabs, and leaves out what is no entry', () => {
    const text = '# comment\n\nUUID=a-b /  ext4\tdefaults,noatime 0 1\n/dev/sr0 /media\n  LABEL="x" /var/ xfs\n';
    expect(parseFstab(text)).toEqual([
      { spec: 'UUID=a-b', point: '/', type: 'ext4', options: ['defaults', 'noatime'] },
      { spec: 'LABEL=x', point: '/var', type: 'xfs', options: [''] },
    ]);
  });

  it('undoes the octal escapes', () => {
    expect(parseFstab('LABEL=my\\040disk /a\\040b ext4')).toMatchObject([{ spec: 'LABEL=my disk', point: '/a b' }]);
  });
});

describe('mountedAbove', () => {
  const entries = parseFstab('a / x\nb /var x\nc /var/lib x\nd /variety x\nnone none swap\n');

  it.each([
    ['/var/lib/cloud/seed', 'c'],
    ['/var/cache', 'b'],
    ['/var', 'b'],
    ['/etc', undefined],
    ['/variable', undefined],
  ])('over %s is %s', (path, spec) => {
    expect(mountedAbove(entries, path)?.spec).toBe(spec);
  });
});

describe('optionOf', () => {
  const [entry] = parseFstab('a /var btrfs rw,subvol=/@var,subvolid=257 0 0');
  it('gives the value without a leading slash', () => {
    if (entry === undefined) throw new Error('no entry');
    expect([optionOf(entry, 'subvol'), optionOf(entry, 'subvolid'), optionOf(entry, 'compress')]).toEqual([
      '@var',
      '257',
      undefined,
    ]);
  });
});
