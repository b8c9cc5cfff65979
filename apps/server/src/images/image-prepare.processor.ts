import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import { Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import { IMAGE_PREPARE, WORKER, warnOfQueue } from '../queue/index.js';
import { ImageDigester } from './image-digest.js';
import { ImageFiles } from './image-files.service.js';
import { readPrepareOrder } from './image-prepare.queue.js';
import { ImagesRepository } from './images.repository.js';

// Small enough that the event loop is held for well below a millisecond at a time.
const READ_SIZE_BYTES = 256 * 1024;

/** Derives the digests of images that were put into the image root by hand. Doing it twice does no harm. */
@Processor(IMAGE_PREPARE, WORKER)
export class ImagePrepareProcessor extends WorkerHost {
  private readonly log = new Logger('Images');

  constructor(
    private readonly images: ImagesRepository,
    private readonly files: ImageFiles,
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
      const digester = new ImageDigester();
      const buffer = Buffer.alloc(READ_SIZE_BYTES);
      for (;;) {
        stop?.throwIfAborted();
        const { bytesRead } = await file.handle.read(buffer, 0, READ_SIZE_BYTES, null);
        if (bytesRead === 0) break;
        digester.update(buffer.subarray(0, bytesRead));
      }
      const digest = digester.digest();
      // A file that grew or shrank meanwhile is another file: the next scan sees it.
      if (!(await this.files.isUnchanged(file)) || digest.sizeBytes !== file.sizeBytes) return;
      await this.images.prepared(name, file.fingerprint, digest, { name: 'server' });
      this.log.log(`${name} is ready: ${digest.sizeBytes} bytes, sha256 ${digest.sha256}`);
    } finally {
      await file.handle.close();
    }
  }
}
