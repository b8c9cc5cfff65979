import { describe, expect, it } from 'vitest';
import { parseFstab } from './fstab.js';
import { parseDefault, parseSubvolumes } from './subvolumes.js';
import { isMeant, isNamedSubvolume, type Volume } from './volume.js';

const PARTITION: Volume = {
  kind: 'ext4',
  name: 'ext4',
  title: 'partition 2',
  uuid: '0123abcd-0000-0000-0000-000000000000',
  label: 'root',
  place: { offsetBytes: 0, lengthBytes: 0 },
  partition: { number: 2, offsetBytes: 0, lengthBytes: 0, uuid: 'aaaa-02', name: 'My Root' },
};
const LOGICAL: Volume = {
  kind: 'xfs',
  name: 'xfs',
  title: 'volume my-vg/root',
  place: { node: '/dev/my-vg/root' },
  logical: 'my-vg/root',
};

describe('isMeant', () => {
  it.each([
    'UUID=0123abcd-0000-0000-0000-000000000000',
    'UUID=0123ABCD-0000-0000-0000-000000000000',
    'LABEL=root',
    'PARTUUID=aaaa-02',
    'PARTLABEL=My Root',
    '/dev/disk/by-label/root',
    '/dev/disk/by-partuuid/AAAA-02',
    ...['/dev/sda2', '/dev/vdb2', '/dev/xvda2', '/dev/nvme0n1p2', '/dev/mmcblk0p2'],
  ])('knows a partition by %s', (spec) => {
    expect(isMeant(spec, PARTITION)).toBe(true);
    expect(isMeant(spec, LOGICAL)).toBe(false);
  });

  it.each([
    'UUID=1',
    'LABEL=ROOT',
    'PARTLABEL=root',
    '/dev/sda1',
    '/dev/sda12',
    '/dev/sda',
    '/dev/nvme0n2',
    'tmpfs',
    '',
  ])('does not take %j for it', (spec) => {
    expect(isMeant(spec, PARTITION)).toBe(false);
  });

  it.each(['/dev/my-vg/root', '/dev/mapper/my--vg-root'])('knows a logical volume by %s', (spec) => {
    expect(isMeant(spec, LOGICAL)).toBe(true);
  });

  it.each(['/dev/mapper/my-vg-root', '/dev/sda2', '/dev/other/root'])('does not take %s for it', (spec) => {
    expect(isMeant(spec, LOGICAL)).toBe(false);
  });
});

describe('subvolumes', () => {
  it('are read from the list of btrfs, names with blanks too', () => {
    const text = 'ID 256 gen 9 top level 5 path @\nID 257 gen 9 top level 256 path @/my snapshots/1\njunk\n';
    expect(parseSubvolumes(text)).toEqual([
      { id: 256, path: '@' },
      { id: 257, path: '@/my snapshots/1' },
    ]);
    expect([
      parseDefault('ID 5 (FS_TREE)\n'),
      parseDefault('ID 256 gen 9 top level 5 path @\n'),
      parseDefault(''),
    ]).toEqual([5, 256, undefined]);
  });

  it.each([
    ['subvol=@', true],
    ['subvol=/@', true],
    ['subvolid=256', true],
    ['subvolid=257,subvol=@', false],
    ['subvol=@home', false],
    ['defaults', false],
  ])('are named by %s', (options, named) => {
    const [entry] = parseFstab(`x / btrfs ${options} 0 0`);
    if (entry === undefined) throw new Error('no entry');
    expect(isNamedSubvolume(entry, { id: 256, path: '@' })).toBe(named);
  });
});
