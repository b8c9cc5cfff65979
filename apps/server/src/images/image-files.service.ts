import { randomUUID } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { bytesOnDisk } from './pack-store.service.js';

const TEMPORARY = /^\.[0-9a-f-]{36}\.upload$/;

/** Changes whenever a file is replaced or written to. */
function fingerprintOf(stats: BigIntStats): string {
  return `${stats.ino}:${stats.size}:${stats.mtimeNs}`;
}

/** An image file, open for reading, and which file it is. */
export interface OpenImage {
  readonly handle: FileHandle;
  readonly fingerprint: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/** The files of the image root: regular files directly in it, nothing behind a symbolic link. */
@Injectable()
export class ImageFiles {
  private tail: Promise<unknown> = Promise.resolve();

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** Makes the root when it is missing, and removes what uploads of an earlier run left half done. */
  async prepareRoot(): Promise<void> {
    await mkdir(this.config.imageRoot, { recursive: true });
    const names = await readdir(this.config.imageRoot);
    await Promise.all(names.filter((name) => TEMPORARY.test(name)).map((name) => unlink(this.path(name))));
  }

  /** Every regular file of the root with its fingerprint; hidden ones are left out. */
  async list(): Promise<{ name: string; fingerprint: string; sizeBytes: number }[]> {
    const names = (await readdir(this.config.imageRoot)).filter((name) => !name.startsWith('.'));
    const files = await Promise.all(
      names.map(async (name) => {
        try {
          const stats = await lstat(this.path(name), { bigint: true });
          return stats.isFile()
            ? { name, fingerprint: fingerprintOf(stats), sizeBytes: Number(stats.size) }
            : undefined;
        } catch (error) {
          if (isGone(error)) return undefined;
          throw error;
        }
      }),
    );
    return files.filter((file) => file !== undefined);
  }

  /** Opens a file by a name of the catalogue. Undefined when it is gone or has become something else. */
  async open(name: string): Promise<OpenImage | undefined> {
    let handle: FileHandle;
    try {
      // Non-blocking, so that a FIFO put in its place cannot hold us.
      handle = await open(this.path(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if (isGone(error) || (error as NodeJS.ErrnoException).code === 'ELOOP') return undefined;
      throw error;
    }
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) {
      await handle.close();
      return undefined;
    }
    const { size, mtime } = stats;
    return { handle, fingerprint: fingerprintOf(stats), sizeBytes: Number(size), modifiedAt: mtime };
  }

  /** Whether an open file has been written to since it was opened. */
  async isUnchanged(file: OpenImage): Promise<boolean> {
    return fingerprintOf(await file.handle.stat({ bigint: true })) === file.fingerprint;
  }

  /** Creates a hidden file beside the images, on the same file system, so that a rename puts it in its place at once. */
  async createTemporary(): Promise<{ handle: FileHandle; path: string }> {
    const path = this.path(`.${randomUUID()}.upload`);
    return { handle: await open(path, 'wx', 0o644), path };
  }

  async removeTemporary(path: string): Promise<void> {
    await rm(path, { force: true });
  }

  /** Moves a finished temporary file to its name, durably; returns its fingerprint. */
  async place(temporary: string, name: string): Promise<string> {
    await rename(temporary, this.path(name));
    await this.syncRoot();
    return fingerprintOf(await lstat(this.path(name), { bigint: true }));
  }

  async remove(name: string): Promise<void> {
    await rm(this.path(name), { force: true });
    await this.syncRoot();
  }

  /** Bytes that everything in the root takes on the disk, unfinished uploads included. */
  async usedBytes(): Promise<number> {
    return bytesOnDisk((await readdir(this.config.imageRoot)).map((name) => this.path(name)));
  }

  /** Runs `work` when nobody else of this process changes or scans the root. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const run = this.tail.then(work);
    this.tail = run.catch(() => undefined);
    return run;
  }

  private path(name: string): string {
    return join(this.config.imageRoot, name);
  }

  private async syncRoot(): Promise<void> {
    const root = await open(this.config.imageRoot, constants.O_RDONLY);
    try {
      await root.sync();
    } finally {
      await root.close();
    }
  }
}
