import type { ErrorCode, InventoryDisk, TargetHint } from '@bty/wire-types';
import { describe, expect, it } from 'vitest';
import { chooseTarget } from './choose-target.js';

const GIB = 1024 ** 3;

function disk(more: Partial<InventoryDisk> = {}): InventoryDisk {
  return {
    path: '/dev/sda',
    size_bytes: 8 * GIB,
    logical_sector_bytes: 512,
    serial: 'S-ONE',
    wwn: 'naa.5000c500a1b2c3d4',
    model: 'Fast Disk 1',
    by_id: ['ata-Fast_Disk_1_S-ONE', 'wwn-0x5000c500a1b2c3d4'],
    transport: 'sata',
    removable: false,
    read_only: false,
    in_use: [],
    ...more,
  };
}

const ONE = disk();
const TWO = disk({
  path: '/dev/nvme0n1',
  size_bytes: 16 * GIB,
  serial: 'S-TWO',
  wwn: 'eui.0025385b71b00001',
  model: 'Faster Disk 2',
  by_id: ['nvme-Faster_Disk_2_S-TWO'],
  transport: 'nvme',
});
const { serial: _s, wwn: _w, ...NAMELESS } = disk({ path: '/dev/vda', transport: 'virtio', by_id: [] });
const STICK = disk({ path: '/dev/sdz', serial: 'STICK', wwn: 'x', by_id: [], transport: 'usb', removable: true });

function pick(disks: InventoryDisk[], hint?: TargetHint, needed = GIB, sector?: number): string {
  const choice = chooseTarget(disks, hint, needed, sector);
  return 'ok' in choice ? choice.ok.path : choice.refused;
}

describe('chooseTarget takes', () => {
  it.each<[string, InventoryDisk[], TargetHint | undefined, string]>([
    ['the only eligible disk without a hint', [ONE], undefined, '/dev/sda'],
    ['the only eligible disk beside a stick', [STICK, ONE], undefined, '/dev/sda'],
    ['the only eligible disk beside one in use', [ONE, { ...TWO, in_use: ['mounted'] }], undefined, '/dev/sda'],
    ['a disk without a serial when no hint asks for one', [NAMELESS], undefined, '/dev/vda'],
    ['the disk with the serial', [ONE, TWO], { serial: 'S-TWO' }, '/dev/nvme0n1'],
    [
      'the disk whose serial has blanks around it',
      [{ ...ONE, serial: '  S-ONE ' }, TWO],
      { serial: 'S-ONE' },
      '/dev/sda',
    ],
    ['the disk when the hint has blanks around it', [ONE, TWO], { serial: ' S-ONE  ' }, '/dev/sda'],
    ['the disk with the WWN', [ONE, TWO], { wwn: 'naa.5000c500a1b2c3d4' }, '/dev/sda'],
    ['a WWN in another spelling', [ONE, TWO], { wwn: '0x5000C500A1B2C3D4' }, '/dev/sda'],
    ['an EUI without its prefix', [ONE, TWO], { wwn: '0025385b71b00001' }, '/dev/nvme0n1'],
    ['the disk behind a by-id name', [ONE, TWO], { by_id: 'wwn-0x5000c500a1b2c3d4' }, '/dev/sda'],
    ['the disk behind a by-id path', [ONE, TWO], { by_id: '/dev/disk/by-id/nvme-Faster_Disk_2_S-TWO' }, '/dev/nvme0n1'],
    ['the disk of the model', [ONE, TWO], { model: 'Faster Disk 2' }, '/dev/nvme0n1'],
    ['the disk of the transport', [ONE, TWO], { transport: 'nvme' }, '/dev/nvme0n1'],
    ['the disk of at least a size', [ONE, TWO], { min_size_bytes: 16 * GIB }, '/dev/nvme0n1'],
    ['the disk of at most a size', [ONE, TWO], { max_size_bytes: 8 * GIB }, '/dev/sda'],
    [
      'the disk that all fields match',
      [ONE, TWO],
      { serial: 'S-TWO', transport: 'nvme', model: 'Faster Disk 2' },
      '/dev/nvme0n1',
    ],
    ['a stick that the hint allows', [ONE, STICK], { serial: 'STICK', allow_removable: true }, '/dev/sdz'],
  ])('%s', (_name, disks, hint, path) => {
    expect(pick(disks, hint)).toBe(path);
  });

  it('a disk that the image fits exactly, and one whose last sector it only begins', () => {
    expect(pick([ONE], undefined, ONE.size_bytes)).toBe('/dev/sda');
    expect(pick([ONE], undefined, ONE.size_bytes - 511)).toBe('/dev/sda');
  });

  it('a disk of the sector size that the image was made for', () => {
    expect(pick([{ ...ONE, logical_sector_bytes: 4096 }], undefined, GIB, 4096)).toBe('/dev/sda');
  });
});

describe('chooseTarget refuses', () => {
  it.each<[string, InventoryDisk[], TargetHint | undefined, ErrorCode]>([
    ['a machine without disks', [], undefined, 'TARGET_NONE'],
    ['two eligible disks without a hint', [ONE, TWO], undefined, 'TARGET_AMBIGUOUS'],
    ['two eligible disks with a hint that fits both', [ONE, TWO], { min_size_bytes: 1 }, 'TARGET_AMBIGUOUS'],
    ['a serial that no disk has', [ONE, TWO], { serial: 'S-THREE' }, 'TARGET_NOT_FOUND'],
    ['a serial in another case', [ONE], { serial: 's-one' }, 'TARGET_NOT_FOUND'],
    ['a part of a serial', [ONE], { serial: 'S-ON' }, 'TARGET_NOT_FOUND'],
    ['a serial hint for a disk without one', [NAMELESS], { serial: 'S-ONE' }, 'TARGET_NOT_FOUND'],
    ['a serial hint for a disk with a blank one', [{ ...ONE, serial: '   ' }], { serial: 'S-ONE' }, 'TARGET_NOT_FOUND'],
    ['a WWN hint for a disk without one', [NAMELESS], { wwn: '0x1' }, 'TARGET_NOT_FOUND'],
    ['a WWN that is nothing but a prefix', [NAMELESS], { wwn: 'naa.' }, 'TARGET_NOT_FOUND'],
    ['a by-id name that leads elsewhere', [ONE], { by_id: 'ata-Other' }, 'TARGET_NOT_FOUND'],
    ['a disk that one of two fields misses', [ONE, TWO], { serial: 'S-ONE', transport: 'nvme' }, 'TARGET_NOT_FOUND'],
    ['two disks of one serial', [ONE, { ...ONE, path: '/dev/sdb' }], { serial: 'S-ONE' }, 'TARGET_AMBIGUOUS'],
    [
      'two disks of one serial of which one is in use',
      [ONE, { ...ONE, path: '/dev/sdb', in_use: ['held by dm-0'] }],
      { serial: 'S-ONE' },
      'TARGET_AMBIGUOUS',
    ],
    ['a stick', [STICK], undefined, 'TARGET_NONE'],
    ['a stick that is named but not allowed', [ONE, STICK], { serial: 'STICK' }, 'TARGET_NONE'],
    ['a USB disk that does not call itself removable', [{ ...STICK, removable: false }], undefined, 'TARGET_NONE'],
    ['a read-only disk', [{ ...ONE, read_only: true }], undefined, 'TARGET_NONE'],
    ['a read-only disk that is named', [{ ...ONE, read_only: true }], { serial: 'S-ONE' }, 'TARGET_NONE'],
    ['a disk in use', [{ ...ONE, in_use: ['/dev/sda1 is mounted on /'] }], undefined, 'TARGET_BUSY'],
    ['a disk in use that is named', [{ ...ONE, in_use: ['swap'] }, TWO], { serial: 'S-ONE' }, 'TARGET_BUSY'],
    ['disks that differ in why they are refused', [STICK, { ...ONE, in_use: ['swap'] }], undefined, 'TARGET_NONE'],
  ])('%s', (_name, disks, hint, code) => {
    expect(pick(disks, hint)).toBe(code);
  });

  it('a disk that is one sector too small', () => {
    expect(pick([ONE], undefined, ONE.size_bytes + 1)).toBe('TARGET_TOO_SMALL');
    const choice = chooseTarget([ONE], undefined, ONE.size_bytes + 1);
    expect(choice).toMatchObject({ message: expect.stringContaining('1 sector of 512 bytes too few') });
  });

  it('a disk of another sector size than the image was made for', () => {
    expect(pick([ONE], undefined, GIB, 4096)).toBe('SECTOR_SIZE_MISMATCH');
    expect(pick([{ ...ONE, logical_sector_bytes: 4096 }], undefined, GIB, 512)).toBe('SECTOR_SIZE_MISMATCH');
  });

  it('with a list of every disk and every reason', () => {
    const mounted = { ...TWO, in_use: ['/dev/nvme0n1p1 is mounted on /data'], size_bytes: 512 };
    const choice = chooseTarget([ONE, mounted, STICK], { transport: 'nvme' }, GIB);
    expect(choice).toMatchObject({
      refused: 'TARGET_NONE',
      disks: [
        { path: '/dev/sda', reasons: ['it is attached by sata, the hint asks for nvme'] },
        {
          path: '/dev/nvme0n1',
          reasons: [
            'in use: /dev/nvme0n1p1 is mounted on /data',
            expect.stringContaining('the image needs 1073741824'),
          ],
        },
        {
          path: '/dev/sdz',
          reasons: [
            'it is attached by usb, the hint asks for nvme',
            'it is removable, and the machine record does not allow that',
          ],
        },
      ],
    });
  });

  it('several disks with a message that names each as eligible', () => {
    const choice = chooseTarget([ONE, TWO], undefined, GIB);
    const message = 'refused' in choice ? choice.message : '';
    expect(message.split('\n')).toEqual([
      '2 disks may be written: give a target hint.',
      '/dev/sda: eligible',
      '/dev/nvme0n1: eligible',
    ]);
  });
});
