import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { BtyError } from '@bty/wire-types';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import type { ImageEntity } from './image.entity.js';
import type { OpenImage } from './image-files.service.js';
import { PackStore } from './pack-store.service.js';
import type { PreparedImage, PrepareOrder, PrepareProgress, PrepareReport } from './prepare/prepare-messages.js';
import { StoreSpace } from './store-space.service.js';

/** Complete files that have no name yet. */
export interface TemporaryFiles {
  readonly pack: string;
  readonly map: string;
}

/** Resolves or rejects when the thread is gone: the files are the caller's again then. */
async function run(
  order: PrepareOrder,
  onProgress: (progress: PrepareProgress) => void,
  signal: AbortSignal,
): Promise<PreparedImage> {
  signal.throwIfAborted();
  const stop = () => Atomics.store(new Int32Array(order.stop), 0, 1);
  const thread = new Worker(new URL('./prepare/prepare.thread.js', import.meta.url), { workerData: order });
  signal.addEventListener('abort', stop);
  try {
    const last = await new Promise<PrepareReport | undefined>((resolve, reject) => {
      let latest: PrepareReport | undefined;
      thread.on('message', (report: PrepareReport) => {
        latest = report;
        if (report.kind === 'progress') onProgress(report.progress);
      });
      thread.once('error', reject);
      thread.once('exit', () => resolve(latest));
    });
    signal.throwIfAborted();
    if (last?.kind === 'done') return last.prepared;
    if (last?.kind === 'failed') throw new BtyError(last.code, last.message, { details: last.details });
    throw new Error('the preparing thread ended without a word');
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Derives packs and maps in threads of their own: it takes all cores for seconds, and no request waits for it. */
@Injectable()
export class ImagePreparation {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly store: PackStore,
    private readonly space: StoreSpace,
  ) {}

  /**
   * Derives the pack and the map of an open image file and hands them to `use`, which gives them their names or not.
   * Throws as `packImage` does, the signal's reason, and UNAVAILABLE when somebody else has removed the files meanwhile;
   * leaves no file behind that has no name.
   */
  async prepare(
    image: ImageEntity,
    file: OpenImage,
    use: (prepared: PreparedImage, files: TemporaryFiles) => Promise<void>,
    onProgress: (progress: PrepareProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const files: TemporaryFiles = {
      pack: await this.store.createTemporary('packs'),
      map: await this.store.createTemporary('maps'),
    };
    try {
      const order: PrepareOrder = {
        name: image.name,
        format: image.format,
        descriptor: file.handle.fd,
        sizeBytes: file.sizeBytes,
        maxContentBytes: this.config.maxImageBytes,
        packPath: files.pack,
        mapPath: files.map,
        roomBytes: await this.space.forPack(),
        compressThreads: availableParallelism(),
        stop: new SharedArrayBuffer(4),
      };
      const prepared = await run(order, onProgress, signal).catch(async (error: unknown) => {
        for (const path of [files.pack, files.map]) await this.store.refuseLost(path);
        throw error;
      });
      await use(prepared, files);
    } finally {
      await this.store.removeTemporary(files.pack);
      await this.store.removeTemporary(files.map);
    }
  }
}
