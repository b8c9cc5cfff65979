import { mkdtemp, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { listPartitions, readPartitions } from '@bty/image-format';
import { BtyError, type NoCloudSeed, toBtyError, type VerifyMode } from '@bty/wire-types';
import { findRoot, partTitle, type Search } from './find-root.js';
import { InsideRoot } from './inside-root.js';
import { readNode, whileActive } from './logical-volumes.js';
import { type RunCommand, whileMounted } from './mount-volume.js';
import { type SeedPlace, seedPlace } from './seed-place.js';
import { beginsTooEarly, type Volume } from './volume.js';
import { KIND_BYTES, type VolumeKind, volumeKind } from './volume-kind.js';

/** A disk that holds an image but for its first MiB, which stands in `head` until it is written last. */
export interface FlashedDisk {
  path: string;
  sizeBytes: number;
  sectorBytes: number;
  head: Buffer;
  /** Fills the buffer from the medium. */
  read(into: Buffer, offsetBytes: number): Promise<void>;
}

/** What provisioning needs of its surroundings. */
export interface ProvisionPorts {
  run: RunCommand;
  /** A folder below which it may make another to mount on. */
  workDir: string;
  log(line: string): void;
}

/** A seed, and whether to read it back. */
export interface SeedOrder {
  seed: NoCloudSeed;
  verify: VerifyMode;
}

/** How the folders to mount on begin, below the agent's own. */
export const FOLDER_PREFIX = 'provision-';

const SEED_MODE = 0o600;
const FILE_NAMES = ['meta-data', 'user-data', 'network-config', 'vendor-data'] as const;
/** Both are read by cloud-init, the first one before the second; ours is the second, and the only one that stays. */
const FOREIGN_SEED = 'nocloud';
const OWN_SEED = 'nocloud-net';

/** The files of a seed by their names on the disk. */
export function seedFileMap(seed: NoCloudSeed): ReadonlyMap<string, Buffer> {
  const { meta_data, user_data, network_config, vendor_data } = seed;
  const texts = {
    'meta-data': meta_data,
    'user-data': user_data,
    'network-config': network_config,
    'vendor-data': vendor_data,
  };
  return new Map(
    Object.entries(texts).flatMap(([name, text]) => (text === undefined ? [] : [[name, Buffer.from(text)]])),
  );
}

function isMountable(kind: VolumeKind | undefined): boolean {
  return kind !== undefined && kind.kind !== 'other';
}

/**
 * Refuses an image, by its first MiB, that cannot be provisioned: without partitions, or with all of them in the part of
 * the disk that is written last. Throws `ROOT_NOT_FOUND`. What is inside the partitions shows only on the disk.
 */
export function refuseUnprovisionable(head: Buffer, sectorBytes: number): void {
  const partitions = readPartitions(head, sectorBytes);
  if (partitions.length === 0) {
    const whole = volumeKind(head);
    const what = isMountable(whole) ? `a bare ${whole?.name} file system` : 'no partition table that bty knows';
    throw new BtyError('ROOT_NOT_FOUND', `the image has ${what}: there is no partition to provision`);
  }
  if (!partitions.every(({ offsetBytes }) => beginsTooEarly(offsetBytes))) return;
  const message =
    'every partition of the image begins within its first MiB, which is written last: none can be provisioned';
  throw new BtyError('ROOT_NOT_FOUND', message);
}

/** The partitions of the disk, with what each one is. */
async function volumesOf(disk: FlashedDisk): Promise<Volume[]> {
  const read = async (offsetBytes: number, lengthBytes: number): Promise<Buffer> => {
    const bytes = Buffer.alloc(Math.max(0, Math.min(lengthBytes, disk.sizeBytes - offsetBytes)));
    if (offsetBytes < disk.head.length) return disk.head.subarray(offsetBytes, offsetBytes + bytes.length);
    await disk.read(bytes, offsetBytes);
    return bytes;
  };
  const volumes: Volume[] = [];
  for (const partition of await listPartitions(disk.head, disk.sectorBytes, read)) {
    const { number, offsetBytes, lengthBytes } = partition;
    const kind = volumeKind(await read(offsetBytes, Math.min(KIND_BYTES, lengthBytes)));
    if (kind === undefined) continue;
    const early = beginsTooEarly(offsetBytes) && isMountable(kind);
    const name = early ? `${kind.name}, which begins within the first MiB and is not there yet` : kind.name;
    const place = { offsetBytes, lengthBytes };
    volumes.push({
      ...kind,
      ...(early ? { kind: 'other' } : {}),
      name,
      title: `partition ${number}`,
      place,
      partition,
    });
  }
  return volumes;
}

async function writeSeed(place: SeedPlace, seed: NoCloudSeed, search: Search): Promise<void> {
  const { part, folder, noLinks } = place;
  await whileMounted(search.diskPath, part, search.folder, 'write', search.run, async () => {
    const root = await InsideRoot.open(search.folder);
    try {
      await root.remove(`${folder}/${FOREIGN_SEED}`, FILE_NAMES, { noLinks });
      await root.remove(`${folder}/${OWN_SEED}`, FILE_NAMES, { noLinks });
      await root.write(`${folder}/${OWN_SEED}`, seedFileMap(seed), SEED_MODE, { noLinks });
    } finally {
      await root.close();
    }
  });
}

/** Reads the files again from the medium: the file system was unmounted since, and nothing of it is cached. */
async function checkSeed(place: SeedPlace, seed: NoCloudSeed, search: Search): Promise<void> {
  await whileMounted(search.diskPath, place.part, search.folder, 'look', search.run, async () => {
    const root = await InsideRoot.open(search.folder);
    try {
      for (const [name, bytes] of seedFileMap(seed)) {
        const path = `${place.folder}/${OWN_SEED}/${name}`;
        const found = await root.read(path, bytes.length + 1);
        if (found?.equals(bytes) !== true) {
          throw new BtyError('VERIFY_MISMATCH', `${path} on ${search.diskPath} does not give back what was written`);
        }
      }
    } finally {
      await root.close();
    }
  });
}

async function provisionOn(
  order: SeedOrder,
  volumes: readonly Volume[],
  search: Search,
  signal: AbortSignal,
): Promise<void> {
  const root = await findRoot(volumes, search, signal);
  if (!root.hasCloudInit) {
    throw new BtyError(
      'CLOUD_INIT_MISSING',
      `the system on ${partTitle(root)} has no cloud-init: its seed would be ignored`,
    );
  }
  const place = await seedPlace(root, volumes, search);
  signal.throwIfAborted();
  await writeSeed(place, order.seed, search);
  signal.throwIfAborted();
  if (order.verify !== 'off') await checkSeed(place, order.seed, search);
  search.log(
    `cloud-init's seed ${order.seed.instance_id} is in ${place.folder}/${OWN_SEED} of ${partTitle(place.part)}`,
  );
}

/**
 * Writes the seed of an order into the system on a flashed disk, before the disk's first MiB is written. Nothing stays
 * mounted or active, whatever happens. Throws `ROOT_NOT_FOUND`, `CLOUD_INIT_MISSING`, `PROVISIONING_FAILED`,
 * `VERIFY_MISMATCH`, or the reason of the signal.
 */
export async function provision(
  order: SeedOrder,
  disk: FlashedDisk,
  ports: ProvisionPorts,
  signal: AbortSignal,
): Promise<void> {
  const partitions = await volumesOf(disk);
  const members = partitions.flatMap(({ kind, place }) => (kind === 'lvm' && 'offsetBytes' in place ? [place] : []));
  const folder = await mkdtemp(join(ports.workDir, FOLDER_PREFIX));
  try {
    await whileActive(disk.path, members, ports.run, async (logical) => {
      const inside: Volume[] = [];
      for (const { name, node } of logical) {
        const kind = volumeKind(await readNode(node, KIND_BYTES));
        if (kind !== undefined) inside.push({ ...kind, title: `volume ${name}`, place: { node }, logical: name });
      }
      const search = { diskPath: disk.path, folder, run: ports.run, log: ports.log };
      await provisionOn(order, [...partitions, ...inside], search, signal);
    });
  } catch (thrown) {
    const error = toBtyError(signal.aborted ? signal.reason : thrown);
    if (error.code !== 'INTERNAL') throw error;
    throw new BtyError('PROVISIONING_FAILED', error.message, { cause: thrown });
  } finally {
    // What is still mounted there is the failure that is on its way up already.
    await rmdir(folder).catch(() => undefined);
  }
}
