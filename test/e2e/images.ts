/** The demo image in the other formats that bty takes, made by the tools that a user would make them with. */
import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../lab/process.ts';

const MIB = 2 ** 20;

/** The image as `.img.zst`. */
export function compressedImage(raw: string, workDir: string): string {
  const file = join(workDir, 'image.img.zst');
  run('zstd', '-q', '-f', '-3', '-T2', raw, '-o', file);
  return file;
}

/** The image as a compressed `.qcow2`. */
export function qcow2Image(raw: string, workDir: string): string {
  const file = join(workDir, 'image.qcow2');
  run('qemu-img', 'convert', '-c', '-f', 'raw', '-O', 'qcow2', raw, file);
  return file;
}

/** The image on a larger disk: incompressible bytes behind its last partition, and its backup GPT at the new end. */
export function enlargedImage(raw: string, workDir: string, sizeMiB: number): string {
  const file = join(workDir, 'large.img');
  run('cp', '--sparse=always', raw, file);
  const from = statSync(file).size;
  truncateSync(file, sizeMiB * MIB);
  run('sfdisk', '--no-reread', '--no-tell-kernel', '--relocate', 'gpt-bak-std', file);
  const fd = openSync(file, 'r+');
  const noise = Buffer.alloc(MIB);
  for (let at = from; at < (sizeMiB - 1) * MIB; at += MIB) writeSync(fd, randomFillSync(noise), 0, MIB, at);
  closeSync(fd);
  return file;
}
