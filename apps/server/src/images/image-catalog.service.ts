import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { ImageEntity } from './image.entity.js';
import { ImageFiles } from './image-files.service.js';
import { imageFormatOf, imageNameProblem } from './image-name.js';
import { ImagePrepareQueue } from './image-prepare.queue.js';
import { type FoundFile, ImagesRepository } from './images.repository.js';
import { PackCollector } from './pack-collector.service.js';
import { PackStore } from './pack-store.service.js';
import { rawSizeProblem } from './raw-size.js';

const SCAN_INTERVAL_MS = 15_000;
const SERVER = { name: 'server' } as const;

function assess(file: { name: string; fingerprint: string; sizeBytes: number }): FoundFile | undefined {
  const format = imageFormatOf(file.name);
  if (format === undefined || /[\p{Cc}\ufffd]/u.test(file.name)) return undefined;
  const badName = imageNameProblem(file.name);
  const badSize = format === 'img' ? rawSizeProblem(file.sizeBytes) : undefined;
  if (badName !== undefined) {
    return {
      ...file,
      format,
      refusal: { state: 'unsupported', code: 'INVALID_REQUEST', message: `the name ${badName}` },
    };
  }
  if (badSize !== undefined) {
    return { ...file, format, refusal: { state: 'failed', code: 'IMAGE_INVALID', message: badSize } };
  }
  return { ...file, format };
}

/** Keeps the catalogue equal to the image root. */
@Injectable()
export class ImageCatalog implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('Images');
  private timer: NodeJS.Timeout | undefined;
  private next: Promise<void> | undefined;

  constructor(
    private readonly files: ImageFiles,
    private readonly images: ImagesRepository,
    private readonly queue: ImagePrepareQueue,
    private readonly store: PackStore,
    private readonly collector: PackCollector,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.files.prepareRoot();
    await this.store.prepareDirectories();
    await this.images.prepareAgain('failed');
    await this.scan();
    const again = () => {
      this.scan().catch((error: unknown) => this.log.warn(`the image root cannot be scanned: ${String(error)}`));
    };
    this.timer = setInterval(again, SCAN_INTERVAL_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** Resolves when the catalogue is what the image root is now. Everybody who asks during one scan shares the next. */
  async scan(): Promise<void> {
    this.next ??= this.files.exclusively(() => {
      this.next = undefined;
      return this.compare();
    });
    await this.next;
  }

  /** The image of this name, when its file is still the one that the catalogue describes; looks again if not. */
  async current(name: string): Promise<ImageEntity | undefined> {
    const image = await this.images.find(name);
    if (image === undefined) return undefined;
    const file = await this.files.open(name);
    await file?.handle.close();
    if (file?.fingerprint === image.fingerprint) return image;
    await this.scan();
    return this.images.find(name);
  }

  private async compare(): Promise<void> {
    const found = (await this.files.list()).map(assess).filter((file) => file !== undefined);
    const known = new Map((await this.images.all()).map((image) => [image.name, image]));
    for (const file of found) {
      if (known.get(file.name)?.fingerprint !== file.fingerprint) await this.images.discover(file, SERVER);
    }
    const present = new Set(found.map(({ name }) => name));
    for (const name of known.keys()) {
      if (!present.has(name)) await this.images.remove(name, SERVER, async () => undefined);
    }
    await this.tidy();
    // Also those that an earlier run did not get to: Postgres says what is due, the queue may have forgotten it.
    for (const name of await this.images.unprepared()) this.queue.order(name);
  }

  /** Removes what nobody needs, and orders what is missing: an image is ready only with its map and its pack. */
  private async tidy(): Promise<void> {
    const maps = new Set(await this.store.digests('maps'));
    const packs = new Set(await this.store.digests('packs'));
    const ready = (await this.images.all()).filter(({ state }) => state === 'ready');
    const bare = ready.filter(
      ({ mapBlake3, packBlake3 }) => !maps.has(mapBlake3 ?? '') || !packs.has(packBlake3 ?? ''),
    );
    if (bare.length > 0) await this.images.prepareAgain(bare.map(({ name }) => name));
    // Room may have been the only thing that an image lacked.
    if ((await this.collector.collect()) > 0) await this.images.prepareAgain('failed');
  }
}
