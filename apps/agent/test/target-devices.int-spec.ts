import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseTarget, type TargetWish } from '@bty/target-choice';
import { BtyError, type InventoryDisk } from '@bty/wire-types';
import { afterEach, describe, expect, it } from 'vitest';
import { listDisks } from '../src/target/list-disks.js';
import { MACHINE_ROOTS } from '../src/target/machine-roots.js';
import { openTarget } from '../src/target/open-target.js';
import { findMemberships } from '../src/target/signatures.js';
import { LoopDisk } from './loop-disk.js';
import { signAsLvm, signAsMd, signAsZfs } from './storage-signatures.js';

const MIB = 1024 * 1024;

const disks: LoopDisk[] = [];
function loopDisk(...args: ConstructorParameters<typeof LoopDisk>): LoopDisk {
  const disk = new LoopDisk(...args);
  disks.push(disk);
  return disk;
}
afterEach(() => {
  for (const disk of disks.splice(0)) disk.remove();
});

async function look(disk: LoopDisk): Promise<InventoryDisk> {
  const [found] = await listDisks(MACHINE_ROOTS, findMemberships, [disk.path]);
  if (found === undefined) throw new Error(`${disk.path} is not listed`);
  return found;
}

function choose(disk: InventoryDisk, wish: Partial<TargetWish> = {}): string {
  const choice = chooseTarget([disk], { neededBytes: MIB, ...wish });
  return 'ok' in choice ? choice.why : `${choice.refused} ${choice.message}`;
}

/** Claims a disk as a flash does, and returns why that failed, or that it did not. */
async function claim(chosen: InventoryDisk): Promise<string> {
  try {
    const target = await openTarget(MACHINE_ROOTS, chosen);
    await target.close();
    return 'claimed';
  } catch (error) {
    if (error instanceof BtyError) return `${error.code} ${error.message}`;
    throw error;
  }
}

describe('a real block device', () => {
  it('is free, and can be claimed, also when it has a file system or swap that nothing uses', async () => {
    const disk = loopDisk(Buffer.alloc(8 * MIB));
    for (const make of [['mkswap'], ['mke2fs', '-q', '-F', '-t', 'ext4']]) {
      execFileSync(make[0] ?? '', [...make.slice(1), disk.path], { stdio: 'ignore' });
      const found = await look(disk);
      expect(found).toMatchObject({ in_use: [], size_bytes: 8 * MIB, logical_sector_bytes: 512 });
      expect(choose(found)).toMatch(/^it is the only disk/);
      expect(await claim(found)).toBe('claimed');
    }
  });

  it('is taken for an image that it fits exactly, and refused for one a sector larger', async () => {
    const found = await look(loopDisk(Buffer.alloc(MIB + 512)));
    expect(choose(found, { neededBytes: MIB + 512 })).toMatch(/^it is the only disk/);
    expect(choose(found, { neededBytes: MIB + 513 })).toMatch(/^TARGET_TOO_SMALL .* 1 sector of 512 bytes/s);
  });

  it('is refused when it is read-only, also by the claim when the list did not say so', async () => {
    const found = await look(loopDisk(Buffer.alloc(MIB), { readOnly: true }));
    expect(choose(found)).toMatch(/^TARGET_NONE .*read-only/s);
    expect(await claim({ ...found, read_only: false })).toMatch(/^DISK_IO/);
  });

  it('is refused while it is mounted, by the list and by the claim', async () => {
    const disk = loopDisk(Buffer.alloc(8 * MIB));
    execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', disk.path]);
    const point = mkdtempSync(join(tmpdir(), 'bty mount-'));
    execFileSync('mount', [disk.path, point]);
    try {
      const found = await look(disk);
      expect(found.in_use).toEqual([`${disk.path} is mounted on ${point}`]);
      expect(choose(found)).toMatch(/^TARGET_BUSY/);
      expect(await claim(found)).toMatch(/^TARGET_BUSY/);
    } finally {
      execFileSync('umount', [point]);
      rmSync(point, { recursive: true });
    }
    expect(await claim(await look(disk))).toBe('claimed');
  });

  it('is refused by the claim while it is mounted where the list cannot see it', async () => {
    const disk = loopDisk(Buffer.alloc(8 * MIB));
    execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', disk.path]);
    const point = mkdtempSync(join(tmpdir(), 'bty-mount-'));
    const namespace = join(point, 'namespace');
    // The file that keeps a mount namespace must itself lie on a private mount.
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', point]);
    execFileSync('mount', ['--make-private', point]);
    execFileSync('touch', [namespace]);
    try {
      execFileSync('unshare', [`--mount=${namespace}`, '--propagation', 'private', 'mount', disk.path, '/mnt']);
      const found = await look(disk);
      expect(found.in_use).toEqual([]);
      expect(await claim(found)).toMatch(/^TARGET_BUSY/);
    } finally {
      execFileSync('umount', ['--recursive', '--lazy', point]);
      rmSync(point, { recursive: true });
    }
  });

  it('is refused while it is swap, by the list and by the claim', async () => {
    const disk = loopDisk(Buffer.alloc(8 * MIB));
    execFileSync('mkswap', [disk.path], { stdio: 'ignore' });
    execFileSync('swapon', [disk.path]);
    try {
      const found = await look(disk);
      expect(found.in_use).toEqual([`${disk.path} is used as swap`]);
      expect(choose(found, { hint: { allow_members: true } })).toMatch(/^TARGET_BUSY/);
      expect(await claim(found)).toMatch(/^TARGET_BUSY/);
    } finally {
      execFileSync('swapoff', [disk.path]);
    }
  });

  it('is refused at the claim when another disk of its size has its name by then', async () => {
    const disk = loopDisk(randomBytes(MIB));
    const chosen = await look(disk);
    disk.replace(randomBytes(MIB));
    expect(await claim(chosen)).toMatch(/^TARGET_CHANGED .*sequence/);
    expect(await claim(await look(disk))).toBe('claimed');
  });

  it.each([
    ['LVM', signAsLvm, 'LVM2_member'],
    ['Linux RAID', signAsMd, 'linux_raid_member'],
    ['ZFS', signAsZfs, 'zfs_member'],
  ])('is refused when it carries the signature of %s, unless the hint allows that', async (_name, sign, type) => {
    // libblkid looks for ZFS only on devices of 64 MiB and more
    const content = Buffer.alloc(64 * MIB);
    sign(content);
    const disk = loopDisk(content);
    const found = await look(disk);
    expect(found).toMatchObject({ in_use: [], member_of: [`${type} on ${disk.path}`] });
    expect(choose(found)).toMatch(new RegExp(`^TARGET_MEMBER .*${type}`, 's'));
    expect(choose(found, { hint: { allow_members: true } })).toContain('the hint allows it');
    expect(disk.content().equals(content)).toBe(true);
  });
});
