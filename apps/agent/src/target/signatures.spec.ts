import { describe, expect, it } from 'vitest';
import { memberships } from './signatures.js';

const listing = (...signatures: [string, string, string | null][]): string =>
  JSON.stringify({ signatures: signatures.map(([device, type, usage]) => ({ device, type, usage })) });

describe('memberships', () => {
  it.each([
    ['LVM', 'LVM2_member', 'raid'],
    ['Linux RAID', 'linux_raid_member', 'raid'],
    ['firmware RAID', 'isw_raid_member', 'raid'],
    ['ZFS', 'zfs_member', 'filesystem'],
    ['bcache', 'bcache', 'other'],
    ['Ceph', 'ceph_bluestore', 'other'],
    ['VMFS', 'VMFS_volume_member', 'raid'],
    ['GFS2', 'gfs2', 'filesystem'],
  ])('finds a member of %s', (_name, type, usage) => {
    expect(memberships(listing(['sda1', type, usage]))).toEqual([`${type} on /dev/sda1`]);
  });

  it('does not count ordinary file systems, swap and tables', () => {
    const plain = listing(
      ['sda', 'gpt', null],
      ['sda1', 'vfat', 'filesystem'],
      ['sda2', 'ext4', 'filesystem'],
      ['sda3', 'swap', 'other'],
    );
    expect(memberships(plain)).toEqual([]);
    expect(memberships('')).toEqual([]);
  });

  it('names each once', () => {
    expect(memberships(listing(['sda', 'zfs_member', 'filesystem'], ['sda', 'zfs_member', 'filesystem']))).toHaveLength(
      1,
    );
  });
});
