import { statfs } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { ImageFiles } from './image-files.service.js';
import { PackStore } from './pack-store.service.js';

/** Left free on the file systems of the store, for everything else that lives there. */
const RESERVE_BYTES = 64 * 1024 * 1024;

async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize - RESERVE_BYTES;
}

/** How much more the store may take: images, packs and maps together keep the quota, and each leaves a reserve on its disk. */
@Injectable()
export class StoreSpace {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly files: ImageFiles,
    private readonly packs: PackStore,
  ) {}

  /** Bytes that an upload may take; negative when there is no room at all. */
  async forImage(): Promise<number> {
    return Math.min(await freeBytes(this.config.imageRoot), await this.ofQuota());
  }

  /** Bytes that a pack and its map may take. */
  async forPack(): Promise<number> {
    return Math.min(await freeBytes(this.packs.directory('packs')), await this.ofQuota());
  }

  private async ofQuota(): Promise<number> {
    const { storeQuotaBytes } = this.config;
    if (storeQuotaBytes === undefined) return Number.POSITIVE_INFINITY;
    return storeQuotaBytes - (await this.files.usedBytes()) - (await this.packs.usedBytes());
  }
}
