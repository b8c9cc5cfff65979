/** The image of a USB stick as its owner handles it: on another computer than the one that it starts. */
import { createHash } from 'node:crypto';
import { copyFileSync, createReadStream, mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from './process.ts';

interface Partition {
  name: string;
  /** GUID of its type. */
  type: string;
  startBytes: number;
  sizeBytes: number;
}

/** The partitions of a stick, in their order on it. */
export function partitionsOf(stick: string): Partition[] {
  const { partitiontable } = JSON.parse(run('sfdisk', '--json', stick)) as {
    partitiontable: { sectorsize: number; partitions: { start: number; size: number; type: string; name: string }[] };
  };
  const { sectorsize, partitions } = partitiontable;
  return partitions.map(({ name, type, start, size }) => ({
    name,
    type,
    startBytes: start * sectorsize,
    sizeBytes: size * sectorsize,
  }));
}

function partition(stick: string, name: string): Partition {
  const found = partitionsOf(stick).find((one) => one.name === name);
  if (found === undefined) throw new Error(`${stick} has no partition ${name}`);
  return found;
}

/** SHA-256 of the whole partition with the stick's system. */
export async function systemDigest(stick: string): Promise<string> {
  const { startBytes, sizeBytes } = partition(stick, 'BTY_ROOT');
  const hash = createHash('sha256');
  const bytes = createReadStream(stick, { start: startBytes, end: startBytes + sizeBytes - 1, highWaterMark: 2 ** 20 });
  await pipeline(bytes, hash);
  return hash.digest('hex');
}

/** Gives a device with the partition BTY_IMAGES to `work`. */
function onImagesDevice<T>(stick: string, work: (device: string) => T): T {
  const { startBytes, sizeBytes } = partition(stick, 'BTY_IMAGES');
  const place = ['--offset', String(startBytes), '--sizelimit', String(sizeBytes)];
  const device = run('losetup', '--find', '--show', ...place, stick).trim();
  try {
    return work(device);
  } finally {
    run('losetup', '--detach', device);
  }
}

/** Mounts BTY_IMAGES as another computer does (with exFAT in user space), and gives the folder to `work`. */
export function onImages<T>(stick: string, work: (folder: string) => T): T {
  return onImagesDevice(stick, (device) => {
    const folder = mkdtempSync(join(tmpdir(), 'bty-images-'));
    run('mount.exfat-fuse', device, folder);
    try {
      return work(folder);
    } finally {
      run('umount', folder);
      rmdirSync(folder);
    }
  });
}

/** Drops files into BTY_IMAGES. */
export function putImages(stick: string, ...files: readonly string[]): void {
  onImages(stick, (folder) => {
    for (const file of files) copyFileSync(file, join(folder, basename(file)));
  });
}

/** Throws when the file system of BTY_IMAGES has a fault, with what is wrong. */
export function checkImages(stick: string): void {
  onImagesDevice(stick, (device) => run('fsck.exfat', '-n', device));
}

/** A copy of a stick, for a lab to write to; holes stay holes. */
export function copyOfStick(stick: string, file: string): string {
  mkdirSync(join(file, '..'), { recursive: true });
  run('cp', '--sparse=always', stick, file);
  return file;
}
