import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { BtyError } from '@bty/wire-types';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { sbatIpxeVersion } from './sbat-version.js';

const SAFE = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/;
const NOT_THERE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/** What a machine needs to start the live env. */
const LIVE_ENV_FILES = ['vmlinuz', 'base.initrd'] as const;

/** The iPXE that UEFI firmware is given; it can boot a disk, which an iPXE from before 2024 or so cannot. */
const EFI_IPXE = 'snponly.efi';

/** The files of the boot directory: regular ones directly in it, nothing hidden, nothing behind a symbolic link. */
@Injectable()
export class BootFiles {
  private efiIpxe: { etag: string; version: string | undefined } | undefined;

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
      // Whatever the reason, it cannot be read.
      LIVE_ENV_FILES.map((name) => this.has(name).catch(() => false)),
    );
    return LIVE_ENV_FILES.filter((_, index) => !found[index]);
  }

  /** Whether there is a file of this name. */
  async has(name: string): Promise<boolean> {
    try {
      await (await this.open(name)).handle.close();
      return true;
    } catch (error) {
      if (error instanceof BtyError && error.code === 'NOT_FOUND') return false;
      throw error;
    }
  }

  /** Version of our own iPXE for UEFI, as its `${version}` says; undefined when it is not there or does not tell. */
  async efiIpxeVersion(): Promise<string | undefined> {
    let file: Awaited<ReturnType<BootFiles['open']>>;
    try {
      file = await this.open(EFI_IPXE);
    } catch (error) {
      if (error instanceof BtyError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
    try {
      if (this.efiIpxe?.etag !== file.etag) {
        this.efiIpxe = { etag: file.etag, version: sbatIpxeVersion(await file.handle.readFile()) };
      }
      return this.efiIpxe.version;
    } finally {
      await file.handle.close();
    }
  }
}
