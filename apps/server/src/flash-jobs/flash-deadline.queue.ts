import { InjectQueue } from '@nestjs/bullmq';
import { Inject, Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { CONFIG, type Config } from '../config/index.js';
import { FLASH_DEADLINE, FORGET, warnOfQueue } from '../queue/index.js';

/** What a job of the queue carries: the id of a flash job. */
export interface DeadlineOrder {
  readonly jobId: string;
}

/** Orders a look at a flash job after the time in which it should have made progress. */
@Injectable()
export class FlashDeadlineQueue {
  constructor(
    @InjectQueue(FLASH_DEADLINE) private readonly queue: Queue<DeadlineOrder>,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    queue.on('error', warnOfQueue);
  }

  /** Arms the deadline of one attempt; an armed one stays as it is. */
  async arm(jobId: string, epoch: number): Promise<void> {
    const delay = this.config.noProgressTimeoutSeconds * 1000;
    await this.queue.add('look', { jobId }, { ...FORGET, jobId: `deadline-${jobId}-${epoch}`, delay });
  }
}
