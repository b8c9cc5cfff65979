import { join } from 'node:path';
import { type FoundRoot, partTitle, type Search } from './find-root.js';
import type { FstabEntry } from './fstab.js';
import { InsideRoot } from './inside-root.js';
import { whileMounted } from './mount-volume.js';
import { mountedPart } from './seed-place.js';
import { isMeant, type Volume, type VolumePart } from './volume.js';

/** A file system of the flashed system besides its root. */
interface Further {
  point: string;
  part: VolumePart;
}

/** What is no file system on a disk: it has no name there. */
function namesDisk({ spec, type }: FstabEntry): boolean {
  return type !== 'swap' && (spec.startsWith('/') || /^[A-Z]+=/.test(spec)) && !spec.startsWith('//');
}

async function furtherOf(root: FoundRoot, volumes: readonly Volume[], search: Search): Promise<Further[]> {
  const found: Further[] = [];
  const entries = root.fstab.filter((entry) => entry.point !== '/' && entry.point.startsWith('/') && namesDisk(entry));
  // What is mounted below another comes after it.
  for (const entry of entries.toSorted((a, b) => a.point.split('/').length - b.point.split('/').length)) {
    const { point, spec, options } = entry;
    const volume = options.includes('bind') ? undefined : volumes.find((candidate) => isMeant(spec, candidate));
    if (volume === undefined || volume.kind === 'other' || volume.kind === 'lvm') {
      search.log(`${point} is not mounted for the workflow: ${spec} is no ext, XFS or btrfs file system on this disk`);
    } else found.push({ point, part: await mountedPart(volume, root, point, search) });
  }
  return found;
}

/** Where a point of the system is on this machine; undefined when there is no such folder. No link leads out of the system. */
async function placeOf(point: string, folder: string): Promise<string | undefined> {
  const root = await InsideRoot.open(folder);
  try {
    return (await root.has(point, 'directory')) ? join(folder, await root.resolve(point)) : undefined;
  } finally {
    await root.close();
  }
}

async function whileFurtherMounted<T>(
  [next, ...rest]: readonly Further[],
  search: Search,
  work: () => Promise<T>,
): Promise<T> {
  if (next === undefined) return work();
  const place = await placeOf(next.point, search.folder);
  if (place === undefined) {
    search.log(`${next.point} is not mounted for the workflow: the root has no such folder`);
    return whileFurtherMounted(rest, search, work);
  }
  search.log(`${next.point} is ${partTitle(next.part)}`);
  return whileMounted(search.diskPath, next.part, place, 'write', search.run, () =>
    whileFurtherMounted(rest, search, work),
  );
}

/**
 * Mounts the root of a flashed system on the folder of the search while `work` runs, and in it, where its fstab says, the
 * other ext, XFS and btrfs file systems that are on this disk.
 */
export async function whileSystemMounted<T>(
  root: FoundRoot,
  volumes: readonly Volume[],
  search: Search,
  work: () => Promise<T>,
): Promise<T> {
  const further = await furtherOf(root, volumes, search);
  return whileMounted(search.diskPath, root, search.folder, 'write', search.run, () =>
    whileFurtherMounted(further, search, work),
  );
}
