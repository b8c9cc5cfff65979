import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { rawSizeProblem } from './image-digest.js';
import { ImageFiles } from './image-files.service.js';
import { formatProblem, imageFormatOf, imageNameProblem } from './image-name.js';
import { ImagePrepareQueue } from './image-prepare.queue.js';
import { type FoundFile, ImagesRepository } from './images.repository.js';

const SCAN_INTERVAL_MS = 15_000;
/** Lists that are asked for at once share a scan, and a scan this young is still good. */
const FRESH_MS = 500;
const SERVER = { name: 'server' } as const;

function assess(file: { name: string; fingerprint: string; sizeBytes: number }): FoundFile | undefined {
  const format = imageFormatOf(file.name);
  if (format === undefined || /[\p{Cc}\ufffd]/u.test(file.name)) return undefined;
  const badName = imageNameProblem(file.name);
  const badFormat = formatProblem(format);
  const badSize = rawSizeProblem(file.sizeBytes);
  if (badName !== undefined) {
    return {
      ...file,
      format,
      refusal: { state: 'unsupported', code: 'INVALID_REQUEST', message: `the name ${badName}` },
    };
  }
  if (badFormat !== undefined) {
    return { ...file, format, refusal: { state: 'unsupported', code: 'IMAGE_INVALID', message: badFormat } };
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
  private latest: { startedAt: number; done: Promise<void> } | undefined;

  constructor(
    private readonly files: ImageFiles,
    private readonly images: ImagesRepository,
    private readonly queue: ImagePrepareQueue,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.files.prepareRoot();
    await this.scan();
    const again = () => {
      this.scan().catch((error: unknown) => this.log.warn(`the image root cannot be scanned: ${String(error)}`));
    };
    this.timer = setInterval(again, SCAN_INTERVAL_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** Resolves when the catalogue is what the image root was at most half a second ago. */
  async refresh(): Promise<void> {
    if (this.latest === undefined || Date.now() - this.latest.startedAt > FRESH_MS) await this.scan();
    else await this.latest.done;
  }

  /** Looks at the image root now. */
  async scan(): Promise<void> {
    const done = this.files.exclusively(() => this.compare());
    this.latest = { startedAt: Date.now(), done };
    await done;
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
    // Also those that an earlier run did not get to: Postgres says what is due, the queue may have forgotten it.
    for (const name of await this.images.unprepared()) await this.queue.order(name);
  }
}
