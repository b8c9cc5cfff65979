import { writevSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { BtyError } from '@bty/wire-types/errors';

/** The disk is told to write so often, so that the end does not have to wait for the whole pack. */
const SYNC_INTERVAL_BYTES = 64 * 1024 * 1024;
// Linux takes 1024 buffers at once
const MAX_PARTS = 1024;

/** What of the buffers is left after so many bytes. */
function after(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  let skip = bytes;
  for (const part of parts) {
    if (skip < part.length) rest.push(part.subarray(skip));
    skip = Math.max(0, skip - part.length);
  }
  return rest;
}

/** A file that is written from its start to its end. Throws STORAGE_FULL beyond `roomBytes`, or when the disk is full. */
export class PackFile {
  sizeBytes = 0;
  private requestedBytes = 0;
  private syncing: Promise<void> | undefined;
  private failure: Error | undefined;

  private constructor(
    private readonly handle: FileHandle,
    private readonly roomBytes: number,
  ) {}

  static async open(path: string, roomBytes: number): Promise<PackFile> {
    return new PackFile(await open(path, 'r+'), roomBytes);
  }

  append(parts: readonly Uint8Array[]): void {
    for (let from = 0; from < parts.length; from += MAX_PARTS) this.write(parts.slice(from, from + MAX_PARTS));
    if (this.sizeBytes - this.requestedBytes >= SYNC_INTERVAL_BYTES) this.syncAhead();
  }

  /** Resolves when all bytes are on the disk. */
  async sync(): Promise<void> {
    await this.syncing;
    if (this.failure !== undefined) throw this.failure;
    await this.handle.sync();
  }

  async close(): Promise<void> {
    await this.syncing;
    await this.handle.close();
  }

  private write(parts: readonly Uint8Array[]): void {
    const lengthBytes = parts.reduce((sum, part) => sum + part.length, 0);
    const message = 'the image store has no room for the pack of this image';
    if (this.sizeBytes + lengthBytes > this.roomBytes) {
      throw new BtyError('STORAGE_FULL', message, { details: { room_bytes: this.roomBytes } });
    }
    try {
      for (let rest = parts; rest.length > 0; ) {
        const written = writevSync(this.handle.fd, rest as Uint8Array[]);
        this.sizeBytes += written;
        rest = after(rest, written);
      }
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'ENOSPC' || code === 'EDQUOT') throw new BtyError('STORAGE_FULL', message, { cause });
      throw cause;
    }
  }

  /** The kernel tells about a failed write once: whoever hears it keeps it. */
  private syncAhead(): void {
    if (this.syncing !== undefined) return;
    this.requestedBytes = this.sizeBytes;
    this.syncing = this.handle
      .datasync()
      .catch((error: Error) => {
        this.failure ??= error;
      })
      .finally(() => {
        this.syncing = undefined;
      });
  }
}
