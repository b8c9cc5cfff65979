import { createHash } from 'node:crypto';
import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { FORGET, IMAGE_PREPARE, warnOfQueue } from '../queue/index.js';

/** What a job of the queue carries: the name of an image. */
export interface PrepareOrder {
  readonly name: string;
}

/** Orders the derivation of an image's digests. */
@Injectable()
export class ImagePrepareQueue {
  constructor(@InjectQueue(IMAGE_PREPARE) private readonly queue: Queue<PrepareOrder>) {
    queue.on('error', warnOfQueue);
  }

  /** Orders it once: while an order for the name waits or is carried out, another is the same. */
  async order(name: string): Promise<void> {
    const jobId = `prepare-${createHash('sha256').update(name).digest('hex').slice(0, 24)}`;
    await this.queue.add('prepare', { name }, { ...FORGET, jobId });
  }
}
