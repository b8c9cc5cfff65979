import { Worker } from 'node:worker_threads';
import type { Batch, CompressedBatch, CompressMessage, CompressSettings } from './prepare-messages.js';

interface Waiter {
  readonly resolve: (batch: CompressedBatch) => void;
  readonly reject: (error: Error) => void;
}

/** One thread, and who waits for it, in the order of its batches. */
class CompressThread {
  private readonly waiters: Waiter[] = [];
  private readonly worker: Worker;
  private readonly ended: Promise<unknown>;
  private failure: Error | undefined;

  constructor(settings: CompressSettings) {
    this.worker = new Worker(new URL('./compress.thread.js', import.meta.url), { workerData: settings });
    this.ended = new Promise((resolve) => this.worker.once('exit', resolve));
    this.worker.on('message', (batch: CompressedBatch) => this.waiters.shift()?.resolve(batch));
    this.worker.on('error', (error: Error) => {
      this.failure = error;
      for (const { reject } of this.waiters.splice(0)) reject(error);
    });
  }

  get load(): number {
    return this.waiters.length;
  }

  async compress(batch: Batch): Promise<CompressedBatch> {
    if (this.failure !== undefined) throw this.failure;
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve, reject });
      this.worker.postMessage(batch, [batch.input, batch.output]);
    });
  }

  /** Resolves when the thread is gone; it ends by itself after its last batch. */
  async close(): Promise<void> {
    this.worker.postMessage('end' satisfies CompressMessage);
    await this.ended;
  }
}

/** Threads that compress batches of chunks. */
export class CompressPool {
  private readonly threads: readonly [CompressThread, ...CompressThread[]];

  constructor(threads: number, settings: CompressSettings) {
    const more = Array.from({ length: threads - 1 }, () => new CompressThread(settings));
    this.threads = [new CompressThread(settings), ...more];
  }

  /** Gives the batch to the thread that has the least to do. The memory of the batch is gone until it comes back. */
  async compress(batch: Batch): Promise<CompressedBatch> {
    return this.threads.reduce((least, thread) => (thread.load < least.load ? thread : least)).compress(batch);
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()));
  }
}
