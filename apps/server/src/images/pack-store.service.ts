import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { BtyError } from '@bty/wire-types';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import type { OpenFile } from '../http/index.js';
import { SharedFiles } from './shared-files.js';

/** What is derived from images. */
export const STORED_KINDS = ['packs', 'maps'] as const;
export type StoredKind = (typeof STORED_KINDS)[number];

const DIGEST = /^[0-9a-f]{64}$/;
const TEMPORARY = /^\.[0-9a-f-]{36}\.partial$/;

function throwLost(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ENOENT') throw error;
  throw new BtyError('UNAVAILABLE', 'an unfinished file was removed, as the start of another server does', {
    cause: error,
  });
}

/** The files of packs and maps: immutable, named by their BLAKE3-256 in hex, below the state directory. */
@Injectable()
export class PackStore implements OnModuleDestroy {
  private readonly shared = new SharedFiles();
  private prepared: Promise<void> | undefined;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  async onModuleDestroy(): Promise<void> {
    await this.shared.forgetAll();
  }

  /**
   * Makes the directories when they are missing, and removes what an earlier run left half done: once, before this one
   * begins anything. An order of the queue may come before the rest of the server is up.
   */
  async prepareDirectories(): Promise<void> {
    this.prepared ??= this.clear().catch((error: unknown) => {
      this.prepared = undefined;
      throw error;
    });
    await this.prepared;
  }

  private async clear(): Promise<void> {
    for (const kind of STORED_KINDS) {
      await mkdir(this.directory(kind), { recursive: true });
      const left = (await readdir(this.directory(kind))).filter((name) => TEMPORARY.test(name));
      await Promise.all(left.map((name) => rm(join(this.directory(kind), name), { force: true })));
    }
  }

  directory(kind: StoredKind): string {
    return join(this.config.stateDir, kind);
  }

  /** Creates an empty hidden file beside the others of its kind; returns its path. */
  async createTemporary(kind: StoredKind): Promise<string> {
    await this.prepareDirectories();
    const path = join(this.directory(kind), `.${randomUUID()}.partial`);
    await (await open(path, 'wx', 0o644)).close();
    return path;
  }

  async removeTemporary(path: string): Promise<void> {
    await rm(path, { force: true });
  }

  /** Throws UNAVAILABLE when the start of another server has taken a temporary file for one of an earlier run. */
  async refuseLost(path: string): Promise<void> {
    await lstat(path).catch(throwLost);
  }

  /** Gives a complete temporary file its name, durably. One that is there already has the same bytes. */
  async place(temporary: string, kind: StoredKind, digest: string): Promise<void> {
    await rename(temporary, this.path(kind, digest)).catch(throwLost);
    const directory = await open(this.directory(kind), constants.O_RDONLY);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  /** Opens a file for reading; undefined when there is none of this digest. */
  async open(kind: StoredKind, digest: string): Promise<OpenFile | undefined> {
    if (!DIGEST.test(digest)) return undefined;
    try {
      return { ...(await this.shared.open(this.path(kind, digest))), etag: `"${digest}"` };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Digests of all complete files of a kind. */
  async digests(kind: StoredKind): Promise<string[]> {
    return (await readdir(this.directory(kind))).filter((name) => DIGEST.test(name));
  }

  async remove(kind: StoredKind, digest: string): Promise<void> {
    await unlink(this.path(kind, digest));
    await this.shared.forget(this.path(kind, digest));
  }

  /** Bytes that all files take on the disk, unfinished ones included. */
  async usedBytes(): Promise<number> {
    const paths = await Promise.all(
      STORED_KINDS.map(async (kind) =>
        (await readdir(this.directory(kind))).map((name) => join(this.directory(kind), name)),
      ),
    );
    return bytesOnDisk(paths.flat());
  }

  private path(kind: StoredKind, digest: string): string {
    return join(this.directory(kind), digest);
  }
}

/** Bytes that files take on the disk; one that is gone takes none. */
export async function bytesOnDisk(paths: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    paths.map(async (path) => {
      try {
        return (await lstat(path)).blocks * 512;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
        throw error;
      }
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
