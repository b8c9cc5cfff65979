import { type FileHandle, open } from 'node:fs/promises';
import { listPartitions, MARGIN_BYTES, readPrimaryGpt } from '@bty/image-format';
import { BtyError, type InventoryDisk } from '@bty/wire-types';
import { runCommand } from '../run-command.js';

/** What a disk or a partition holds, as `blkid` names it (`ext4`, `vfat`, `LVM2_member`), and its label. */
export interface Holding {
  type?: string;
  label?: string;
}

/** A partition and what it holds. */
interface DiskPartition extends Holding {
  number: number;
  offset_bytes: number;
  size_bytes: number;
  /** Its name in a GPT. */
  name?: string;
}

/** What is on a disk now. Without a table, `type` and `label` are those of the whole disk. */
export interface DiskContent extends Holding {
  table: 'gpt' | 'mbr' | 'none';
  partitions: DiskPartition[];
}

type Probe = (path: string, range?: { offsetBytes: number; lengthBytes: number }) => Promise<Holding>;

const TIMEOUT_MS = 10_000;
const NOTHING_FOUND = 2;
const SEVERAL_FOUND = 8;

/** The type and the label in what `blkid --output export` prints. */
export function readHolding(text: string): Holding {
  const tags = new Map(text.split('\n').map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
  const unescaped = (tag: string): string | undefined => tags.get(tag)?.replace(/\\(.)/g, '$1');
  const [type, label] = [unescaped('TYPE'), unescaped('LABEL')];
  return { ...(type === undefined ? {} : { type }), ...(label === undefined ? {} : { label }) };
}

/** Asks `blkid` what lies at a place of a device, whether the kernel has a node for it or not. */
const probeByBlkid: Probe = async (path, range) => {
  const place = range === undefined ? [] : ['--offset', `${range.offsetBytes}`, '--size', `${range.lengthBytes}`];
  const args = ['--probe', '--output', 'export', ...place, path];
  const { exitCode, stdout, stderr } = await runCommand('blkid', args, TIMEOUT_MS);
  if (exitCode === NOTHING_FOUND) return {};
  if (exitCode === SEVERAL_FOUND) return { type: 'several signatures' };
  if (exitCode !== 0) throw new BtyError('DISK_IO', `${path}: blkid failed: ${stderr.trim()}`, { details: { path } });
  return readHolding(stdout);
};

async function openToLook(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    const message = errno === 'EACCES' ? `only root may look at ${path}` : `${path} cannot be read: ${errno}`;
    throw new BtyError('DISK_IO', message, { cause, details: { path, errno } });
  }
}

async function readAt(handle: FileHandle, path: string, offsetBytes: number, lengthBytes: number): Promise<Buffer> {
  const bytes = Buffer.alloc(lengthBytes);
  try {
    const { bytesRead } = await handle.read(bytes, 0, lengthBytes, offsetBytes);
    return bytes.subarray(0, bytesRead);
  } catch (cause) {
    const { code: errno = 'unknown error' } = cause as NodeJS.ErrnoException;
    const message = `${path}: reading failed at byte ${offsetBytes}: ${errno}`;
    throw new BtyError('DISK_IO', message, { cause, details: { path, errno, offset_bytes: offsetBytes } });
  }
}

/** Reads what is on a disk: its table, its partitions, the file systems and labels on them. Throws `DISK_IO`. */
export async function readDiskContent(
  disk: Pick<InventoryDisk, 'path' | 'logical_sector_bytes'>,
  probe: Probe = probeByBlkid,
): Promise<DiskContent> {
  const { path, logical_sector_bytes: sectorBytes } = disk;
  const handle = await openToLook(path);
  try {
    const head = await readAt(handle, path, 0, MARGIN_BYTES);
    const found = await listPartitions(head, sectorBytes, (at, length) => readAt(handle, path, at, length));
    const partitions = await Promise.all(
      found.map(async ({ number, offsetBytes, lengthBytes, name }): Promise<DiskPartition> => {
        const holding = await probe(path, { offsetBytes, lengthBytes });
        const named = name === undefined ? {} : { name };
        return { number, offset_bytes: offsetBytes, size_bytes: lengthBytes, ...named, ...holding };
      }),
    );
    if (partitions.length > 0) {
      return { table: readPrimaryGpt(head).kind === 'valid' ? 'gpt' : 'mbr', partitions };
    }
    const table = readPrimaryGpt(head).kind === 'valid' ? 'gpt' : 'none';
    return { table, partitions, ...(table === 'none' ? await probe(path) : {}) };
  } finally {
    await handle.close();
  }
}
