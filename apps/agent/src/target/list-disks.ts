import { readdir, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { InventoryDisk } from '@bty/wire-types';
import { readAttribute } from './attribute.js';
import { readDiskIdentity } from './disk-identity.js';
import { nodesOf, usesOf } from './disk-use.js';
import type { MachineRoots } from './machine-roots.js';
import type { Memberships } from './signatures.js';

/** Looks for signatures of storage that spans disks on the given nodes. */
export type FindMemberships = (paths: readonly string[]) => Promise<Memberships>;

const MAX_LIST = 64;
const MAX_USE_CHARS = 512;
// Optical and floppy drives, and the boot partitions and replay-protected blocks that an eMMC shows as disks.
const NOT_DISKS = /^(sr\d|fd\d|mmcblk\d+(boot|rpmb))/;

async function isDisk(roots: MachineRoots, name: string): Promise<boolean> {
  if (NOT_DISKS.test(name)) return false;
  const block = join(roots.sys, 'block', name);
  const [size, hidden] = [await readAttribute(join(block, 'size')), await readAttribute(join(block, 'hidden'))];
  // Loop, RAM, device-mapper and md nodes have no device; an empty card reader has no size.
  const entries = await readdir(block);
  return entries.includes('device') && size !== undefined && size !== '0' && hidden !== '1';
}

async function targetOf(link: string): Promise<string | undefined> {
  try {
    return basename(await readlink(link));
  } catch (error) {
    // udev makes a link anew whenever it looks at a disk.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function linksTo(roots: MachineRoots, path: string): Promise<string[]> {
  const folder = join(roots.dev, 'disk/by-id');
  const names: string[] = [];
  let entries: string[];
  try {
    entries = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  for (const name of entries.sort()) {
    if ((await targetOf(join(folder, name))) === basename(path)) names.push(name);
  }
  return names.slice(0, MAX_LIST);
}

/** As many sentences, and as long ones, as the protocol takes. */
function bounded(sentences: string[]): string[] {
  return sentences.slice(0, MAX_LIST).map((sentence) => sentence.slice(0, MAX_USE_CHARS));
}

async function describeDisk(roots: MachineRoots, name: string, find: FindMemberships): Promise<InventoryDisk> {
  const identity = await readDiskIdentity(roots, name);
  const uses = await usesOf(roots, name);
  const nodes = await nodesOf(roots, name);
  const { members, problem } = await find(nodes.map(({ path }) => path));
  // What could not be looked at is not free.
  if (problem !== undefined) uses.push(`its signatures cannot be read: ${problem}`);
  return {
    ...identity,
    by_id: await linksTo(roots, identity.path),
    in_use: bounded(uses),
    ...(members.length === 0 ? {} : { member_of: bounded(members) }),
  };
}

/**
 * The machine's disks as they are now, by kernel name. With `only`, exactly these nodes (`/dev/loop0`) instead of all
 * disks: what is not named is not even looked at. Throws when a named one is not there.
 */
export async function listDisks(
  roots: MachineRoots,
  find: FindMemberships,
  only: readonly string[] = [],
): Promise<InventoryDisk[]> {
  const named = only.map((path) => basename(path));
  const disks: InventoryDisk[] = [];
  const candidates = named.length > 0 ? named : (await readdir(join(roots.sys, 'block'))).sort();
  for (const name of candidates) {
    try {
      if (named.length > 0 || (await isDisk(roots, name))) disks.push(await describeDisk(roots, name, find));
    } catch (error) {
      // ENOENT: pulled out while it was looked at.
      if (named.length > 0 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return disks;
}
