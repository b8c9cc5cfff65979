import type { Queue } from 'bullmq';
import { warnOfQueue } from './queue-log.js';

const RETRY_MS = 2_000;

interface Order<T> {
  readonly data: T;
  readonly dueAt: number;
}

/**
 * Rings for the workers of a queue. Nobody waits for the queue, which may be away or hang: an order that it does not take
 * is tried again until it does. Orders that the queue itself has lost are the business of whoever reads Postgres.
 */
export class Bell<T extends object> {
  private readonly missed = new Map<string, Order<T>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly queue: Queue) {
    queue.on('error', warnOfQueue);
  }

  /** Orders work after a delay, once: while an order of this id waits or is carried out, another is the same. */
  ring(id: string, data: T, delayMs = 0): void {
    void this.order(id, { data, dueAt: Date.now() + delayMs });
  }

  private async order(id: string, order: Order<T>): Promise<void> {
    const delay = Math.max(0, order.dueAt - Date.now());
    try {
      // A finished order is dropped, so that its id can be used again.
      await this.queue.add('order', order.data, { jobId: id, delay, removeOnComplete: true, removeOnFail: true });
    } catch (error) {
      if (this.queue.closing !== undefined) return;
      warnOfQueue(new Error(`an order of ${this.queue.name} has to wait: ${(error as Error).message}`));
      this.missed.set(id, order);
      this.timer ??= setTimeout(() => this.ringAgain(), RETRY_MS).unref();
    }
  }

  private ringAgain(): void {
    const missed = [...this.missed];
    this.missed.clear();
    this.timer = undefined;
    for (const [id, order] of missed) void this.order(id, order);
  }
}
