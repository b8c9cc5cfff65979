import { BtyError } from '@bty/wire-types';
import { type FstabEntry, parseFstab } from './fstab.js';
import { InsideRoot } from './inside-root.js';
import { must, type RunCommand, whileMounted } from './mount-volume.js';
import { parseDefault, parseSubvolumes } from './subvolumes.js';
import { isNamedSubvolume, type Volume, type VolumePart } from './volume.js';

/** A root file system, told by its content. */
export interface FoundRoot extends VolumePart {
  fstab: FstabEntry[];
  hasCloudInit: boolean;
  /** Where the root's links lead the folder of seeds. */
  seedFolder: string;
}

/** Where and with what the search works. */
export interface Search {
  diskPath: string;
  /** An empty folder to mount on. */
  folder: string;
  run: RunCommand;
  log(line: string): void;
}

/** Where cloud-init looks for a seed (cloudinit/sources/DataSourceNoCloud.py). */
export const SEED_FOLDER = '/var/lib/cloud/seed';

const MAX_FSTAB_BYTES = 256 * 1024;
const CLOUD_INIT = ['/etc/cloud/cloud.cfg', '/usr/bin/cloud-init', '/usr/local/bin/cloud-init'];

/** What makes a folder the root of a system: it says which one, and what it mounts or how it is configured. */
async function rootAt(root: InsideRoot, part: VolumePart): Promise<FoundRoot | undefined> {
  const named = (await root.has('/etc/os-release', 'file')) || (await root.has('/usr/lib/os-release', 'file'));
  if (!named) return undefined;
  const fstab = await root.read('/etc/fstab', MAX_FSTAB_BYTES);
  if (fstab === undefined && !(await root.has('/etc/cloud', 'directory'))) return undefined;
  const marks = await Promise.all(CLOUD_INIT.map((path) => root.has(path, 'file')));
  return {
    ...part,
    fstab: parseFstab(fstab?.toString('utf8') ?? ''),
    hasCloudInit: marks.includes(true),
    seedFolder: await root.resolve(SEED_FOLDER),
  };
}

/** Snapshots of a root have its content too: the system's own fstab, or the default subvolume, says which one boots. */
function bootedOne(roots: FoundRoot[], defaultId: number | undefined): FoundRoot[] {
  if (roots.length < 2) return roots;
  const named = roots.filter(({ fstab, subvolume }) => {
    const own = fstab.find(({ point }) => point === '/');
    return own !== undefined && subvolume !== undefined && isNamedSubvolume(own, subvolume);
  });
  if (named.length === 1) return named;
  const standard = roots.filter(({ subvolume }) => (subvolume?.id ?? 5) === defaultId);
  return standard.length === 1 ? standard : roots;
}

async function rootsOfBtrfs(top: InsideRoot, volume: Volume, { folder, run }: Search): Promise<FoundRoot[]> {
  const subvolumes = parseSubvolumes(await must(run, 'btrfs', ['subvolume', 'list', folder]));
  const defaultId = parseDefault(await must(run, 'btrfs', ['subvolume', 'get-default', folder]));
  const found = [await rootAt(top, { volume })];
  for (const subvolume of subvolumes) {
    const root = await top.enter(subvolume.path);
    try {
      found.push(await rootAt(root, { volume, subvolume }));
    } finally {
      await root.close();
    }
  }
  return bootedOne(
    found.filter((root) => root !== undefined),
    defaultId,
  );
}

async function rootsOf(volume: Volume, search: Search): Promise<FoundRoot[]> {
  return whileMounted(search.diskPath, { volume }, search.folder, 'look', search.run, async () => {
    const top = await InsideRoot.open(search.folder);
    try {
      if (volume.kind === 'btrfs') return await rootsOfBtrfs(top, volume, search);
      const root = await rootAt(top, { volume });
      return root === undefined ? [] : [root];
    } finally {
      await top.close();
    }
  });
}

/** For people: `partition 2 (ext4)`, `partition 3 (btrfs, subvolume @)`. */
export function partTitle({ volume, subvolume }: VolumePart): string {
  return `${volume.title} (${volume.name}${subvolume === undefined ? '' : `, subvolume ${subvolume.path}`})`;
}

/**
 * Finds the one root file system among the volumes of a disk. Throws `ROOT_NOT_FOUND` when there is none or more than
 * one, and says what each volume is.
 */
export async function findRoot(volumes: readonly Volume[], search: Search, signal: AbortSignal): Promise<FoundRoot> {
  const roots: FoundRoot[] = [];
  const seen: string[] = [];
  for (const volume of volumes) {
    signal.throwIfAborted();
    // Its volumes are in the list as well.
    if (volume.kind === 'lvm') continue;
    try {
      const found = volume.kind === 'other' ? [] : await rootsOf(volume, search);
      roots.push(...found);
      seen.push(`${partTitle({ volume })}: ${found.length === 0 ? 'no root' : 'a root'}`);
    } catch (error) {
      // A volume that cannot be looked at may not be the root; when no root turns up, the reader learns why.
      seen.push(`${partTitle({ volume })}: ${(error as Error).message}`);
    }
  }
  const [root, ...more] = roots.length > 1 ? roots.filter(({ hasCloudInit }) => hasCloudInit) : roots;
  search.log(`volumes: ${seen.join('; ')}`);
  if (root !== undefined && more.length === 0) return root;
  const what = roots.length === 0 ? 'no root file system' : 'more than one root file system';
  const found = seen.length === 0 ? 'no volume that bty knows' : seen.join('; ');
  throw new BtyError('ROOT_NOT_FOUND', `${what} on the disk: ${found}`, { details: { volumes: seen } });
}
