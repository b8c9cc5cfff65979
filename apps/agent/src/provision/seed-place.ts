import { posix } from 'node:path';
import { BtyError } from '@bty/wire-types';
import { type FoundRoot, partTitle, SEED_FOLDER, type Search } from './find-root.js';
import { mountedAbove } from './fstab.js';
import { must, whileMounted } from './mount-volume.js';
import { parseSubvolumes } from './subvolumes.js';
import { isMeant, isNamedSubvolume, type Volume, type VolumePart } from './volume.js';

/** The folder of seeds in the file system that will be mounted there when the system runs. */
export interface SeedPlace {
  part: VolumePart;
  folder: string;
  /** Links are followed in the root only: in another file system they would be resolved against the wrong root. */
  noLinks: boolean;
}

/** What of a volume the root's fstab mounts on a point: all of it, or the btrfs subvolume that it names. */
export async function mountedPart(
  volume: Volume,
  found: FoundRoot,
  point: string,
  search: Search,
): Promise<VolumePart> {
  const entry = found.fstab.find((line) => line.point === point);
  if (volume.kind !== 'btrfs' || entry === undefined) return { volume };
  const list = await whileMounted(search.diskPath, { volume }, search.folder, 'look', search.run, () =>
    must(search.run, 'btrfs', ['subvolume', 'list', search.folder]),
  );
  const subvolume = parseSubvolumes(list).find((candidate) => isNamedSubvolume(entry, candidate));
  return subvolume === undefined ? { volume } : { volume, subvolume };
}

/**
 * Finds where seeds go: in the root, or in the file system that the root's fstab mounts over that folder. Throws
 * `ROOT_NOT_FOUND` when that one is not on this disk: a seed in the root would be hidden, and ignored.
 */
export async function seedPlace(found: FoundRoot, volumes: readonly Volume[], search: Search): Promise<SeedPlace> {
  const above = mountedAbove(found.fstab, found.seedFolder);
  if (above === undefined) return { part: found, folder: SEED_FOLDER, noLinks: false };
  const volume = volumes.find((candidate) => isMeant(above.spec, candidate));
  if (volume === undefined) {
    const message = `the fstab of ${partTitle(found)} mounts ${above.spec} on ${above.point}, which is not on this disk`;
    throw new BtyError('ROOT_NOT_FOUND', message);
  }
  const part = await mountedPart(volume, found, above.point, search);
  return { part, folder: posix.join('/', posix.relative(above.point, found.seedFolder)), noLinks: true };
}
