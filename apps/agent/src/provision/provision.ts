import { mkdtemp, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { listPartitions, readPartitions } from '@bty/image-format';
import { BtyError, toBtyError } from '@bty/wire-types';
import type { Search } from './find-root.js';
import { readNode, whileActive } from './logical-volumes.js';
import type { RunCommand } from './mount-volume.js';
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

/** What is done with the system on a flashed disk, by the volumes that were found there. */
export type ProvisionWork = (volumes: readonly Volume[], search: Search, signal: AbortSignal) => Promise<void>;

/** How the folders to mount on begin, below the agent's own. */
export const FOLDER_PREFIX = 'provision-';

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

/**
 * Does something with the system on a flashed disk, before the disk's first MiB is written. Nothing stays mounted or
 * active, whatever happens. Throws what `work` throws, `PROVISIONING_FAILED`, or the reason of the signal.
 */
export async function provision(
  work: ProvisionWork,
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
      await work([...partitions, ...inside], search, signal);
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
