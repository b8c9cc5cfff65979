/** What lies on a target before a run, or must lie on it afterwards. */
import { createCipheriv } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { run } from '../lab/process.ts';
import { jobDirt } from './dirt.ts';

const MIB = 2 ** 20;
const SEED = 20261;

/** The image that a job has worked on, `copies` times one after the other: disks of any size out of one real image. */
export interface ImageContent {
  readonly file: string;
  readonly copies: number;
}

/** `old-data`: the disk is full of something else. */
export type StartContent = 'old-data' | (ImageContent & { readonly dirty: boolean });

function noise(bytes: number, seed: number): Buffer {
  const key = Buffer.alloc(16, seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(bytes));
}

function fillWithOldData(disk: string, sizeBytes: number): void {
  const old = noise(16 * MIB, 1);
  const fd = openSync(disk, 'r+');
  for (let offset = 0; offset < sizeBytes; offset += old.length) {
    writeSync(fd, old, 0, Math.min(old.length, sizeBytes - offset), offset);
  }
  closeSync(fd);
}

function leaveDirt(disk: string, sizeBytes: number): void {
  const dirt = noise(MIB, 2);
  const fd = openSync(disk, 'r+');
  for (const { offsetBytes, lengthBytes } of jobDirt(sizeBytes, SEED)) {
    writeSync(fd, dirt, 0, lengthBytes, offsetBytes);
  }
  closeSync(fd);
}

function copyImage(disk: string, sizeBytes: number, image: ImageContent): void {
  const copyMib = sizeBytes / image.copies / MIB;
  for (let copy = 0; copy < image.copies; copy += 1) {
    run('dd', `if=${image.file}`, `of=${disk}`, 'bs=1M', `seek=${copy * copyMib}`, 'conv=notrunc', 'status=none');
  }
}

/** Writes the content to the file that a disk lies in; zeros are written too, so that every run starts alike. */
export function putContent(disk: string, sizeBytes: number, content: StartContent): void {
  if (content === 'old-data') fillWithOldData(disk, sizeBytes);
  else {
    copyImage(disk, sizeBytes, content);
    if (content.dirty) leaveDirt(disk, sizeBytes);
  }
}
