import { constants, type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { BtyError, type InventoryDisk } from '@bty/wire-types';
import { allocateAligned } from '../engine/aligned-memory.js';
import { DeviceTarget } from '../engine/block-target-device.js';
import { runCommand } from '../run-command.js';
import { readAttribute } from './attribute.js';
import { type DiskIdentity, diskNameOf, readDiskIdentity } from './disk-identity.js';
import type { MachineRoots } from './machine-roots.js';

const CACHE_TIMEOUT_MS = 120_000;

// O_EXCL on a block device claims it from the kernel: EBUSY when it, or a part of it, is mounted or held.
const CLAIM = constants.O_RDWR | constants.O_EXCL;
const LOOK = constants.O_RDONLY;

/** What differs between the disk that was chosen and the one that is open; undefined when they are the same. */
export function identityChange(chosen: InventoryDisk, open: DiskIdentity): string | undefined {
  const fields = ['size_bytes', 'logical_sector_bytes', 'serial', 'wwn', 'model', 'sequence'] as const;
  const changed = fields.find((field) => chosen[field] !== open[field]);
  return changed && `its ${changed} is ${open[changed] ?? 'unknown'}, chosen was ${chosen[changed] ?? 'unknown'}`;
}

async function openNode(path: string, flags: number): Promise<FileHandle> {
  try {
    return await open(path, flags);
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    const details = { path, errno };
    if (errno === 'EBUSY') throw new BtyError('TARGET_BUSY', `${path} is in use`, { cause, details });
    throw new BtyError('DISK_IO', `${path} cannot be opened: ${errno}`, { cause, details });
  }
}

/** Some devices say EINVAL to O_DIRECT only at the first access. Any other failure is a matter of the disk. */
async function takesDirect(handle: FileHandle, sectorBytes: number): Promise<boolean> {
  try {
    await handle.read(allocateAligned(sectorBytes), 0, sectorBytes, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EINVAL';
  }
}

async function openDirect(path: string, access: number, sectorBytes: number): Promise<FileHandle | undefined> {
  try {
    const handle = await openNode(path, access | constants.O_DIRECT);
    if (await takesDirect(handle, sectorBytes)) return handle;
    await handle.close();
    return undefined;
  } catch (error) {
    if (error instanceof BtyError && error.details.errno === 'EINVAL') return undefined;
    throw error;
  }
}

async function readOpenIdentity(
  roots: MachineRoots,
  handle: FileHandle,
  path: string,
): Promise<DiskIdentity & { rotational: boolean }> {
  const { rdev } = await handle.stat();
  // Linux's encoding of device numbers (makedev(3)); minors above 255 occur on machines with many disks.
  const major = (rdev >> 8) & 0xfff;
  const minor = (rdev & 0xff) | ((rdev >> 12) & 0xfff00);
  try {
    const name = await diskNameOf(roots, major, minor);
    const rotational = await readAttribute(join(roots.sys, 'block', name, 'queue/rotational'));
    return { ...(await readDiskIdentity(roots, name)), rotational: rotational === '1' };
  } catch (cause) {
    throw new BtyError('TARGET_CHANGED', `${path} is gone`, { cause, details: { path } });
  }
}

/** Opens the chosen disk and proves on the open descriptor that it is still the same one. */
async function openChosen(roots: MachineRoots, chosen: InventoryDisk, access: number): Promise<DeviceTarget> {
  const { path } = chosen;
  const pastCache = await openDirect(path, access, chosen.logical_sector_bytes);
  const handle = pastCache ?? (await openNode(path, access));
  try {
    const identity = await readOpenIdentity(roots, handle, path);
    const change = identityChange(chosen, identity);
    if (change !== undefined) {
      throw new BtyError('TARGET_CHANGED', `${path} is not the disk that was chosen: ${change}`, { details: { path } });
    }
    if (identity.read_only && access === CLAIM) {
      throw new BtyError('DISK_IO', `${path} is read-only`, { details: { path, errno: 'EROFS' } });
    }
    const device = {
      fd: handle.fd,
      path,
      sizeBytes: identity.size_bytes,
      sectorBytes: identity.logical_sector_bytes,
      direct: pastCache !== undefined,
      rotational: identity.rotational,
    };
    return new DeviceTarget(device, { dropCache: () => dropCache(path), close: () => handle.close() });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function dropCache(path: string): Promise<void> {
  const { exitCode, stderr } = await runCommand('blockdev', ['--flushbufs', path], CACHE_TIMEOUT_MS);
  if (exitCode !== 0) throw new BtyError('DISK_IO', `${path}: its cache cannot be dropped: ${stderr.trim()}`);
}

/**
 * Claims the chosen disk and proves on the open descriptor that it is still the same one: kernel names may have been
 * given to other disks since. Throws `TARGET_BUSY`, `TARGET_CHANGED` or `DISK_IO`. Nothing has been written yet.
 */
export function openTarget(roots: MachineRoots, chosen: InventoryDisk): Promise<DeviceTarget> {
  return openChosen(roots, chosen, CLAIM);
}

/** Opens the chosen disk to read it, also when it is in use. Throws as `openTarget`. */
export function openForReading(roots: MachineRoots, chosen: InventoryDisk): Promise<DeviceTarget> {
  return openChosen(roots, chosen, LOOK);
}
