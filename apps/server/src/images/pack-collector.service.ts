import { Injectable, Logger } from '@nestjs/common';
import { ImageUse } from './image-use.port.js';
import { ImagesRepository } from './images.repository.js';
import { PackStore, STORED_KINDS } from './pack-store.service.js';

/** Removes packs and maps that neither an image nor an active flash job needs. */
@Injectable()
export class PackCollector {
  private readonly log = new Logger('Images');

  constructor(
    private readonly images: ImagesRepository,
    private readonly store: PackStore,
    private readonly use: ImageUse,
  ) {}

  /** Resolves to how many files are gone. Nobody places a file meanwhile, on any replica. */
  async collect(): Promise<number> {
    return this.images.holdingStore(async () => {
      const needed = await this.images.derivedFiles();
      const used = await this.use.filesInUse();
      let removed = 0;
      for (const kind of STORED_KINDS) {
        const keep = new Set([...needed[kind], ...used[kind]]);
        for (const digest of await this.store.digests(kind)) {
          if (keep.has(digest)) continue;
          await this.store.remove(kind, digest);
          this.log.log(`${kind}/${digest} is no longer needed and was removed`);
          removed += 1;
        }
      }
      return removed;
    });
  }
}
