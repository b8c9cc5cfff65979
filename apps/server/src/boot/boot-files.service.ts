import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { BtyError } from '@bty/wire-types';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';

const SAFE = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/;
const NOT_THERE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/** What a machine needs to start the live env. */
const LIVE_ENV_FILES = ['vmlinuz', 'base.initrd'] as const;

/** The files of the boot directory: regular ones directly in it, nothing hidden, nothing behind a symbolic link. */
@Injectable()
export class BootFiles {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** Opens a file with what its response says. Throws NOT_FOUND. */
  async open(name: string): Promise<{ handle: FileHandle; sizeBytes: number; etag: string; modifiedAt: Date }> {
    const missing = new BtyError('NOT_FOUND', `there is no boot file ${JSON.stringify(name.slice(0, 128))}`);
    if (!SAFE.test(name)) throw missing;
    let handle: FileHandle;
    try {
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      handle = await open(join(this.config.bootDir, name), flags);
    } catch (error) {
      if (NOT_THERE.has((error as NodeJS.ErrnoException).code ?? '')) throw missing;
      throw error;
    }
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) {
      await handle.close();
      throw missing;
    }
    const etag = `"${[stats.ino, stats.size, stats.mtimeNs].map((part) => part.toString(36)).join('-')}"`;
    return { handle, sizeBytes: Number(stats.size), etag, modifiedAt: stats.mtime };
  }

  /** Names of the live env's files that cannot be read. */
  async missing(): Promise<string[]> {
    const found = await Promise.all(
      LIVE_ENV_FILES.map(async (name) => {
        try {
          await (await this.open(name)).handle.close();
          return true;
        } catch {
          return false;
        }
      }),
    );
    return LIVE_ENV_FILES.filter((_, index) => !found[index]);
  }
}
