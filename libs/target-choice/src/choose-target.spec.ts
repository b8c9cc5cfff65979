import type { ErrorCode, FlashedTarget, InventoryDisk, TargetHint } from '@bty/wire-types';
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

function pick(disks: InventoryDisk[], hint?: TargetHint, neededBytes = GIB, sectorBytes?: number): string {
  const choice = chooseTarget(disks, { hint, neededBytes, sectorBytes });
  return 'ok' in choice ? choice.ok.path : choice.refused;
}

const wrong = (message: string) => ({ code: 'TARGET_NOT_FOUND', message });

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
    const choice = chooseTarget([ONE], { neededBytes: ONE.size_bytes + 1 });
    expect(choice).toMatchObject({ message: expect.stringContaining('1 sector of 512 bytes too few') });
  });

  it('a disk of another sector size than the image was made for', () => {
    expect(pick([ONE], undefined, GIB, 4096)).toBe('SECTOR_SIZE_MISMATCH');
    expect(pick([{ ...ONE, logical_sector_bytes: 4096 }], undefined, GIB, 512)).toBe('SECTOR_SIZE_MISMATCH');
  });

  it('with a list of every disk and every reason', () => {
    const mounted = { ...TWO, in_use: ['/dev/nvme0n1p1 is mounted on /data'], size_bytes: 512 };
    const choice = chooseTarget([ONE, mounted, STICK], { hint: { transport: 'nvme' }, neededBytes: GIB });
    expect(choice).toMatchObject({
      refused: 'TARGET_NONE',
      disks: [
        { path: '/dev/sda', reasons: [wrong('it is attached by sata, the hint asks for nvme')] },
        {
          path: '/dev/nvme0n1',
          reasons: [
            { code: 'TARGET_BUSY', message: 'in use: /dev/nvme0n1p1 is mounted on /data' },
            { code: 'TARGET_TOO_SMALL', message: expect.stringContaining('the image needs 1073741824') },
          ],
        },
        {
          path: '/dev/sdz',
          reasons: [
            wrong('it is attached by usb, the hint asks for nvme'),
            { code: 'TARGET_NONE', message: 'it is removable, and the hint does not say allow_removable' },
          ],
        },
      ],
    });
  });

  it('several disks with a message that names each as eligible', () => {
    const choice = chooseTarget([ONE, TWO], { neededBytes: GIB });
    const message = 'refused' in choice ? choice.message : '';
    expect(message.split('\n')).toEqual([
      '2 disks may be written: give a target hint.',
      '/dev/sda: eligible',
      '/dev/nvme0n1: eligible',
    ]);
  });
});

describe('chooseTarget and the signature of other storage', () => {
  const LVM: InventoryDisk = { ...ONE, member_of: ['LVM2_member on /dev/sda3'] };
  const OTHER: InventoryDisk = { ...TWO, member_of: ['zfs_member on /dev/nvme0n1'] };
  const WRITTEN: FlashedTarget = { path: '/dev/sdq', size_bytes: 8 * GIB, serial: 'S-ONE' };

  const choose = (disks: InventoryDisk[], hint?: TargetHint, lastTarget?: FlashedTarget) =>
    chooseTarget(disks, { hint, neededBytes: GIB, lastTarget });

  it('refuses the disk that carries it, also when the hint names the disk', () => {
    for (const hint of [undefined, { serial: 'S-ONE' }]) {
      expect(choose([LVM], hint)).toMatchObject({
        refused: 'TARGET_MEMBER',
        message: expect.stringContaining('LVM2_member on /dev/sda3'),
      });
    }
    expect(choose([LVM, TWO])).toMatchObject({ ok: { path: '/dev/nvme0n1' } });
  });

  it('takes the disk that the hint allows, and says so', () => {
    expect(choose([LVM], { allow_members: true })).toMatchObject({
      ok: { path: '/dev/sda' },
      why: 'it is the only disk that may be written; it carries LVM2_member on /dev/sda3, but the hint allows it',
    });
  });

  it('takes the disk that the machine’s last flash wrote, whatever its name is by now', () => {
    expect(choose([LVM], undefined, WRITTEN)).toMatchObject({
      ok: { path: '/dev/sda' },
      why: expect.stringContaining('the last flash of this machine wrote this disk'),
    });
    expect(choose([LVM, OTHER], undefined, WRITTEN)).toMatchObject({ ok: { path: '/dev/sda' } });
  });

  it.each<[string, InventoryDisk, FlashedTarget]>([
    ['another serial', LVM, { ...WRITTEN, serial: 'S-NINE' }],
    ['another WWN', LVM, { ...WRITTEN, wwn: '0x5000000000000001' }],
    ['another size', LVM, { ...WRITTEN, size_bytes: 8 * GIB + 512 }],
    ['another model', LVM, { ...WRITTEN, model: 'Slow Disk' }],
    [
      'nothing to know it by',
      { ...NAMELESS, member_of: ['LVM2_member on /dev/vda'] },
      { path: '/dev/vda', size_bytes: 8 * GIB },
    ],
    ['a serial that now is blank', { ...LVM, serial: ' ', wwn: '' }, { ...WRITTEN, serial: '' }],
  ])('does not take a disk with %s for the one that the last flash wrote', (_what, disk, written) => {
    expect(choose([disk], undefined, written)).toMatchObject({ refused: 'TARGET_MEMBER' });
  });

  it.each<[string, Partial<InventoryDisk>, ErrorCode]>([
    ['held', { in_use: ['/dev/sda3 is held by dm-0'] }, 'TARGET_BUSY'],
    ['read-only', { read_only: true }, 'TARGET_NONE'],
    ['removable', { removable: true }, 'TARGET_NONE'],
  ])('never makes a disk eligible that is %s', (_what, more, code) => {
    expect(choose([{ ...LVM, ...more }], { allow_members: true }, WRITTEN)).toMatchObject({ refused: code });
  });

  it('stays undecided between two disks that the hint allows', () => {
    expect(choose([LVM, OTHER], { allow_members: true })).toMatchObject({
      refused: 'TARGET_AMBIGUOUS',
      message: expect.stringContaining('give a target hint'),
    });
  });
});

describe('chooseTarget and a disk that shows up twice', () => {
  const AGAIN = { ...ONE, path: '/dev/sdb', by_id: [] };

  it('refuses both, also when only one of the two paths is in use', () => {
    expect(pick([ONE, AGAIN])).toBe('TARGET_AMBIGUOUS');
    expect(pick([ONE, { ...AGAIN, in_use: ['/dev/sdb1 is mounted on /data'] }])).toBe('TARGET_NONE');
    const { serial: _one, ...unnamed } = AGAIN;
    expect(pick([ONE, { ...unnamed, read_only: true }])).toBe('TARGET_NONE');
    expect(pick([ONE, AGAIN, TWO])).toBe('/dev/nvme0n1');
  });

  it('does not take two disks of one make for one', () => {
    expect(pick([ONE, { ...AGAIN, serial: 'S-NINE', in_use: ['swap'] }])).toBe('/dev/sda');
    expect(pick([NAMELESS, { ...NAMELESS, path: '/dev/vdb', in_use: ['swap'] }])).toBe('/dev/vda');
  });
});
