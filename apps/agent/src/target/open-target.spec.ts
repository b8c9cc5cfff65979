import type { InventoryDisk } from '@bty/wire-types';
import { describe, expect, it } from 'vitest';
import { identityChange } from './open-target.js';

const DISK: InventoryDisk = {
  path: '/dev/sda',
  size_bytes: 1024,
  logical_sector_bytes: 512,
  serial: 'S-1',
  by_id: [],
  transport: 'sata',
  removable: false,
  read_only: false,
  in_use: [],
  sequence: 7,
};

describe('identityChange', () => {
  it('knows the same disk, whatever its name is by now', () => {
    expect(identityChange(DISK, { ...DISK, path: '/dev/sdb' })).toBeUndefined();
  });

  it.each([
    ['size', { size_bytes: 2048 }, 'its size_bytes is 2048, chosen was 1024'],
    ['serial', { serial: 'S-2' }, 'its serial is S-2, chosen was S-1'],
    ['WWN', { wwn: 'naa.5' }, 'its wwn is naa.5, chosen was unknown'],
    ['sector size', { logical_sector_bytes: 4096 }, 'its logical_sector_bytes is 4096, chosen was 512'],
    ['model', { model: 'Other' }, 'its model is Other, chosen was unknown'],
    ['number of the kernel', { sequence: 8 }, 'its sequence is 8, chosen was 7'],
  ])('tells a disk of another %s', (_name, change, says) => {
    expect(identityChange(DISK, { ...DISK, ...change })).toBe(says);
  });
});
