import { InjectQueue } from '@nestjs/bullmq';
import { Inject, Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { CONFIG, type Config } from '../config/index.js';
import { Bell, FLASH_DEADLINE } from '../queue/index.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What a job of the queue carries: the id of a flash job. */
export interface DeadlineOrder {
  readonly jobId: string;
}

/** Reads what the queue carries; undefined for what this server cannot have put there. */
export function readDeadlineOrder(data: unknown): DeadlineOrder | undefined {
  const { jobId } = (data ?? {}) as { jobId?: unknown };
  return typeof jobId === 'string' && UUID.test(jobId) ? { jobId } : undefined;
}

/** Orders a look at a flash job after the time in which it should have made progress. */
@Injectable()
export class FlashDeadlineQueue {
  private readonly bell: Bell<DeadlineOrder>;

  constructor(
    @InjectQueue(FLASH_DEADLINE) queue: Queue,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.bell = new Bell(queue);
  }

  /** Arms the deadline of an attempt that has been without progress for so long; an armed one stays as it is. */
  arm(jobId: string, epoch: number, stalledMs: number): void {
    const leftMs = Math.max(0, this.config.noProgressTimeoutSeconds * 1000 - stalledMs);
    this.bell.ring(`deadline-${jobId}-${epoch}`, { jobId }, leftMs);
  }
}
