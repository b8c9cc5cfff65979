import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listDisks } from './list-disks.js';
import { MachineTree } from './machine-tree.fake.js';

const SATA = 'pci0/ata1/host0/target0:0:0/0:0:0:0/block/sda';
const PAGE_80 = Buffer.concat([Buffer.from([0, 0x80, 0, 8]), Buffer.from('  S-12  ')]);

let machine: MachineTree;
beforeEach(async () => {
  machine = await MachineTree.make();
});
afterEach(() => machine.remove());

const list = (members: string[] = []) => listDisks(machine.roots, async () => ({ members }));

async function onlyDisk(members: string[] = []) {
  const disks = await list(members);
  expect(disks).toHaveLength(1);
  return { path: '', in_use: [] as string[], ...disks[0] };
}

describe('the disks of a machine', () => {
  it('are told with all that identifies them', async () => {
    await machine.disk(SATA, {
      size: '16777216\n',
      'device/model': 'Fast Disk       \n',
      'device/vpd_pg80': PAGE_80,
      'device/wwid': 'naa.5000c500a1b2c3d4\n',
      'queue/logical_block_size': '4096\n',
      diskseq: '9\n',
    });
    await machine.link('dev/disk/by-id/ata-Fast_Disk_S-12', 'dev/sda');
    await machine.link('dev/disk/by-id/ata-Fast_Disk_S-12-part1', 'dev/sda1');
    expect(await list()).toEqual([
      {
        path: join(machine.roots.dev, 'sda'),
        size_bytes: 8 * 1024 ** 3,
        logical_sector_bytes: 4096,
        serial: 'S-12',
        wwn: 'naa.5000c500a1b2c3d4',
        model: 'Fast Disk',
        transport: 'sata',
        removable: false,
        read_only: false,
        by_id: ['ata-Fast_Disk_S-12'],
        in_use: [],
        sequence: 9,
      },
    ]);
  });

  it.each([
    ['virtio', 'pci0/virtio1/block/vda', { serial: 'V-1' }, { serial: 'V-1' }],
    [
      'nvme',
      'pci0/nvme/nvme0/nvme0n1',
      { 'device/serial': 'N-1  \n', wwid: 'eui.01\n' },
      { serial: 'N-1', wwn: 'eui.01' },
    ],
    [
      'mmc',
      'platform/mmc_host/mmc0/mmc0:1/block/mmcblk0',
      { 'device/name': 'CARD', 'device/type': 'SD\n' },
      { model: 'CARD', removable: true },
    ],
    ['mmc', 'platform/mmc_host/mmc0/mmc0:1/block/mmcblk0', { 'device/type': 'MMC\n' }, { removable: false }],
    [
      'nvme',
      'virtual/nvme-subsystem/nvme-subsys0/nvme0n1',
      { wwid: 'nvme.8086-42-43-00000001\n' },
      { wwn: 'nvme.8086-42-43-00000001' },
    ],
    ['usb', 'pci0/usb1/1-1/host3/target3:0:0/3:0:0:0/block/sdb', {}, { removable: true }],
    ['sas', 'pci0/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0/block/sdc', {}, {}],
    ['iscsi', 'platform/host2/session1/target2:0:0/2:0:0:1/block/sdd', {}, {}],
    ['fc', 'pci0/host4/rport-4:0-0/target4:0:0/4:0:0:0/block/sde', {}, {}],
    ['scsi', 'pci0/virtio2/host5/target5:0:0/5:0:0:0/block/sdf', {}, {}],
    ['other', 'platform/floppy/block/strange', {}, {}],
  ])('attached by %s at %s', async (transport, path, attributes, facts) => {
    await machine.disk(path, attributes);
    expect(await onlyDisk()).toMatchObject({ transport, ...facts });
  });

  it.each([
    ['ahci', 'sata'],
    ['sata_nv', 'sata'],
    ['ata_piix', 'ata'],
    ['pata_amd', 'ata'],
  ])('with the driver %s are attached by %s', async (driver, transport) => {
    await machine.disk(SATA, {});
    await machine.files({ 'sys/devices/pci0/ata1/host0/scsi_host/host0/proc_name': `${driver}\n` });
    expect(await onlyDisk()).toMatchObject({ transport });
  });

  it('take a serial and WWN from udev when the kernel has none', async () => {
    await machine.disk(SATA, {});
    await machine.files({ 'run/udev/data/b8:0': 'S:disk/by-id/x\nE:ID_SERIAL_SHORT=U-1\nE:ID_WWN=0x5000\n' });
    expect(await onlyDisk()).toMatchObject({ serial: 'U-1', wwn: '0x5000' });
    await machine.files({ 'run/udev/data/b8:0': 'E:ID_WWN=0x6001\nE:ID_WWN_WITH_EXTENSION=0x60010002\n' });
    expect(await onlyDisk()).toMatchObject({ wwn: '0x60010002' });
  });

  it('have no serial and no WWN when their maker has left fillers there', async () => {
    await machine.disk(SATA, { 'device/serial': '00000000\n', 'device/wwid': 'eui.0000000000000000\n' });
    const disk = await onlyDisk();
    expect([Object.hasOwn(disk, 'serial'), Object.hasOwn(disk, 'wwn')]).toEqual([false, false]);
  });

  it('count as removable and read-only when the kernel does not say that they are not', async () => {
    await machine.disk(SATA, { removable: '\n', ro: '\n' });
    expect(await onlyDisk()).toMatchObject({ removable: true, read_only: true });
  });

  it('are removable and read-only as the kernel says', async () => {
    await machine.disk(SATA, { removable: '1\n', ro: '1\n' });
    expect(await onlyDisk()).toMatchObject({ removable: true, read_only: true });
  });

  it('are only whole disks with a medium: no loop, RAM, optical or boot devices', async () => {
    await machine.disk('pci0/host0/target0:0:0/0:0:0:0/block/sr0', {});
    await machine.disk('platform/mmc_host/mmc0/block/mmcblk0boot0', {});
    await machine.disk('pci0/host0/target0:0:1/0:0:1:0/block/sdq', { size: '0\n' });
    await machine.disk('pci0/nvme/nvme0/nvme0c0n1', { hidden: '1\n' });
    await machine.files({ 'sys/devices/virtual/block/loop0/size': '2048\n' });
    await machine.link('sys/block/loop0', 'sys/devices/virtual/block/loop0');
    expect(await list()).toEqual([]);
  });

  it('are exactly those that were named, when some were', async () => {
    await machine.disk(SATA, {});
    await machine.files({ 'sys/devices/virtual/block/loop0/size': '2048\n' });
    await machine.link('sys/block/loop0', 'sys/devices/virtual/block/loop0');
    const disks = await listDisks(machine.roots, async () => ({ members: [] }), ['/dev/loop0']);
    expect(disks.map(({ size_bytes, transport }) => [size_bytes, transport])).toEqual([[1048576, 'other']]);
  });
});

describe('a disk is in use', () => {
  beforeEach(async () => {
    await machine.disk(SATA, {
      'sda1/partition': '1\n',
      'sda1/dev': '8:1\n',
      'sda2/partition': '2\n',
      'sda2/dev': '8:2\n',
    });
    await machine.files({ 'dev/sda1': '', 'dev/sda2': '' });
  });

  it('not at all when nothing uses it', async () => {
    expect((await onlyDisk()).in_use).toEqual([]);
  });

  it('when it or a partition is mounted', async () => {
    const { dev } = machine.roots;
    await machine.files({ 'proc/self/mountinfo': '30 1 8:2 / /data rw,relatime shared:1 - ext4 /dev/other rw\n' });
    expect((await onlyDisk()).in_use).toEqual([`${dev}/sda2 is mounted on /data`]);
    await machine.files({ 'proc/self/mountinfo': `30 1 0:44 / /a\\040b rw - btrfs ${dev}/sda1 rw\n` });
    expect((await onlyDisk()).in_use).toEqual([`${dev}/sda1 is mounted on /a b`]);
  });

  it('when it carries swap in use', async () => {
    const { dev } = machine.roots;
    await machine.files({ 'proc/swaps': `Filename Type Size Used Priority\n${dev}/sda2   partition 1 0 -2\n` });
    expect((await onlyDisk()).in_use).toEqual([`${dev}/sda2 is used as swap`]);
  });

  it('when device mapper or md holds it', async () => {
    await machine.files({ [`sys/devices/${SATA}/sda1/holders/dm-0`]: '', [`sys/devices/${SATA}/holders/md127`]: '' });
    const { dev } = machine.roots;
    expect((await onlyDisk()).in_use).toEqual([`${dev}/sda is held by md127`, `${dev}/sda1 is held by dm-0`]);
  });

  it.each([
    ['LABEL=LIVE', 'dev/disk/by-label/LIVE'],
    ['UUID=ab-cd', 'dev/disk/by-uuid/ab-cd'],
    ['/dev/sda1', undefined],
  ])('when the system was started from it by root=%s, also when it is mounted nowhere', async (root, link) => {
    if (link !== undefined) await machine.link(link, 'dev/sda1');
    await machine.files({ 'proc/cmdline': `boot=live root=${root} toram\n` });
    expect((await onlyDisk()).in_use).toEqual([expect.stringContaining('sda1 is the medium that this system')]);
  });

  it('when its signatures cannot be read', async () => {
    const disks = await listDisks(machine.roots, async () => ({ members: [], problem: 'Input/output error' }));
    expect(disks).toMatchObject([{ in_use: ['its signatures cannot be read: Input/output error'] }]);
  });

  it('not by a signature of storage that spans disks, which is told apart', async () => {
    expect(await onlyDisk(['zfs_member on /dev/sda1'])).toMatchObject({
      in_use: [],
      member_of: ['zfs_member on /dev/sda1'],
    });
  });

  it('by at most 64 reasons or signatures of at most 512 characters, as the protocol takes them', async () => {
    const { member_of: members = [] } = await onlyDisk(Array.from({ length: 100 }, () => 'x'.repeat(1000)));
    expect([members.length, members[0]?.length]).toEqual([64, 512]);
  });
});
