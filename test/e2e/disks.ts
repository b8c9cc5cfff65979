/** Disk files of virtual machines, made and judged by the host. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  openSync,
  readSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { run } from '../lab/process.ts';

const MIB = 2 ** 20;
const BLOCK = 4 * MIB;

/** A blank disk of the given size: a sparse file. */
export function blankDisk(file: string, sizeBytes: number): string {
  writeFileSync(file, '');
  truncateSync(file, sizeBytes);
  return file;
}

/** A disk on which somebody has worked before: no byte of it is zero. */
export function dirtyDisk(file: string, sizeBytes: number): string {
  blankDisk(file, sizeBytes);
  const fd = openSync(file, 'r+');
  const dirt = Buffer.alloc(BLOCK, 0xd1);
  for (let offset = 0; offset < sizeBytes; offset += BLOCK) {
    writeSync(fd, dirt, 0, Math.min(BLOCK, sizeBytes - offset), offset);
  }
  closeSync(fd);
  return file;
}

/** Whether the first and the last MiB of a disk hold nothing but zeros. */
export function blankEnds(file: string): boolean {
  const [fd, piece] = [openSync(file, 'r'), Buffer.alloc(MIB)];
  const isBlank = (offset: number): boolean => {
    readSync(fd, piece, 0, MIB, offset);
    return piece.every((byte) => byte === 0);
  };
  const blank = isBlank(0) && isBlank(statSync(file).size - MIB);
  closeSync(fd);
  return blank;
}

export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: MIB }), hash);
  return hash.digest('hex');
}

/**
 * The disk as it must be after a flash, made without bty's code: the image laid over the disk as it was before, the
 * rest of the last MiB zeroed, and the backup GPT moved to its standard place at the end by sfdisk.
 */
export function expectedDisk(before: string, image: string, out: string): string {
  const [diskSize, imageSize] = [statSync(before).size, statSync(image).size];
  run('cp', '--sparse=always', before, out);
  run('dd', `if=${image}`, `of=${out}`, 'bs=4M', 'conv=notrunc', 'status=none');
  const fd = openSync(out, 'r+');
  const wipeFrom = Math.max(imageSize, diskSize - MIB);
  writeSync(fd, Buffer.alloc(diskSize - wipeFrom), 0, diskSize - wipeFrom, wipeFrom);
  closeSync(fd);
  if (diskSize > imageSize) run('sfdisk', '--no-reread', '--no-tell-kernel', '--relocate', 'gpt-bak-std', out);
  return out;
}

/** Compares two files; an empty text when they are equal, else where the first differences lie. */
export function differences(file: string, other: string): string {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', 'cmp -l -- "$1" "$2" | head -n 8', 'sh', file, other], {
    encoding: 'utf8',
  });
  return status === 0 && stderr === '' ? stdout : stdout + stderr;
}

/** What `sgdisk` says of a disk's partition tables; an empty text when it finds no problem. */
export function partitionTableProblems(file: string): string {
  const { stdout, stderr } = spawnSync('sgdisk', ['--verify', file], { encoding: 'utf8' });
  return /No problems found/.test(stdout) ? '' : stdout + stderr;
}
