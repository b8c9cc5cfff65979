import { BtyError, toBtyError } from '@bty/wire-types';
import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import { Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import { isDatabaseOutage } from '../db/index.js';
import { IMAGE_PREPARE, WORKER, warnOfQueue } from '../queue/index.js';
import type { ImageEntity } from './image.entity.js';
import { ImageFiles, type OpenImage } from './image-files.service.js';
import { ImagePreparation, type TemporaryFiles } from './image-preparation.service.js';
import { readPrepareOrder } from './image-prepare.queue.js';
import { ImagesRepository } from './images.repository.js';
import { PackStore } from './pack-store.service.js';
import type { PreparedImage, PrepareProgress } from './prepare/prepare-messages.js';

const STORE_INTERVAL_MS = 1_000;
const SERVER = { name: 'server' } as const;

/** Derives the packs and maps of images. Doing it twice does no harm: the same file gives the same files. */
@Processor(IMAGE_PREPARE, WORKER)
export class ImagePrepareProcessor extends WorkerHost {
  private readonly log = new Logger('Images');

  constructor(
    private readonly images: ImagesRepository,
    private readonly files: ImageFiles,
    private readonly store: PackStore,
    private readonly preparation: ImagePreparation,
  ) {
    super();
  }

  @OnWorkerEvent('error')
  onError(error: Error): void {
    warnOfQueue(error);
  }

  @OnWorkerEvent('failed')
  onFailed(_order: unknown, error: Error): void {
    this.log.error(error);
  }

  override async process(order: Job, _token?: string, stop?: AbortSignal): Promise<void> {
    const data = readPrepareOrder(order.data);
    if (data === undefined) {
      this.log.warn(`dropped an order of ${IMAGE_PREPARE} that is none: ${order.id}`);
      return;
    }
    const { name } = data;
    const image = await this.images.find(name);
    if (image?.state !== 'preparing') return;
    const file = await this.files.open(name);
    if (file === undefined) return;
    try {
      // Another file by this name is another order: the next scan makes it.
      if (file.fingerprint === image.fingerprint) await this.prepare(image, file, stop);
    } finally {
      await file.handle.close();
    }
  }

  private async prepare(image: ImageEntity, file: OpenImage, stop: AbortSignal | undefined): Promise<void> {
    const replaced = new AbortController();
    const signal = stop === undefined ? replaced.signal : AbortSignal.any([stop, replaced.signal]);
    let latest: PrepareProgress = { bytesDone: 0, bytesTotal: undefined };
    const timer = setInterval(() => {
      this.images.progressed(image.name, image.fingerprint, latest).then(
        (wanted) => wanted || replaced.abort(new Error(`${image.name} was replaced or removed`)),
        (error: unknown) => this.log.warn(`the progress of ${image.name} is not stored: ${String(error)}`),
      );
    }, STORE_INTERVAL_MS);
    try {
      const keep = (prepared: PreparedImage, files: TemporaryFiles) => this.keep(image, file, prepared, files);
      const onProgress = (progress: PrepareProgress) => {
        latest = progress;
      };
      await this.preparation.prepare(image, file, keep, onProgress, signal);
    } catch (thrown) {
      if (replaced.signal.aborted) return;
      // An order that is stopped has not failed: the next start prepares the image again.
      stop?.throwIfAborted();
      // Nor has the image when its result cannot be stored, or was taken away: the next scan orders it again.
      if (isDatabaseOutage(thrown) || toBtyError(thrown).code === 'UNAVAILABLE') throw thrown;
      await this.fail(image, file, thrown);
    } finally {
      clearInterval(timer);
    }
  }

  private async keep(
    image: ImageEntity,
    file: OpenImage,
    prepared: PreparedImage,
    files: TemporaryFiles,
  ): Promise<void> {
    // A file that was written to meanwhile is another file: the next scan sees it.
    if (!(await this.files.isUnchanged(file))) return;
    if (image.sha256 !== null && image.sha256 !== prepared.sha256) {
      const details = { uploaded_sha256: image.sha256, present_sha256: prepared.sha256 };
      throw new BtyError('IMAGE_CHANGED', 'the file no longer has the bytes that were uploaded', { details });
    }
    await this.images.prepared(image.name, image.fingerprint, prepared, SERVER, async () => {
      await this.store.place(files.pack, 'packs', prepared.pack.digest);
      await this.store.place(files.map, 'maps', prepared.map.digest);
    });
    const { contentBytes, pack, sha256 } = prepared;
    this.log.log(`${image.name} is ready: ${contentBytes} bytes, ${pack.sizeBytes} packed, sha256 ${sha256}`);
  }

  private async fail(image: ImageEntity, file: OpenImage, thrown: unknown): Promise<void> {
    if (!(await this.files.isUnchanged(file))) return;
    const { code, message } = explain(thrown);
    if (code === 'INTERNAL') this.log.error(thrown);
    else this.log.warn(`${image.name} cannot be prepared: ${message}`);
    await this.images.unpreparable(image.name, image.fingerprint, { code, message }, SERVER);
  }
}

/** A disk that cannot be read is not the image's fault. */
function explain(thrown: unknown): BtyError {
  const { code, syscall } = thrown as NodeJS.ErrnoException;
  if (code === 'EIO' && syscall === 'read') {
    return new BtyError('IMAGE_UNAVAILABLE', 'the file of the image cannot be read (EIO)', { cause: thrown });
  }
  const error = toBtyError(thrown);
  // The message of an unexpected error may tell paths: that is for the log only.
  return error.code === 'INTERNAL' ? new BtyError('INTERNAL', 'see the log of the server', { cause: thrown }) : error;
}
