import { createHash } from 'node:crypto';
import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { Bell, IMAGE_PREPARE } from '../queue/index.js';
import { imageNameProblem } from './image-name.js';

/** What a job of the queue carries: the name of an image. */
export interface PrepareOrder {
  readonly name: string;
}

/** Reads what the queue carries; undefined for what this server cannot have put there. */
export function readPrepareOrder(data: unknown): PrepareOrder | undefined {
  const { name } = (data ?? {}) as { name?: unknown };
  return typeof name === 'string' && imageNameProblem(name) === undefined ? { name } : undefined;
}

/** Orders the derivation of an image's digests. */
@Injectable()
export class ImagePrepareQueue {
  private readonly bell: Bell<PrepareOrder>;

  constructor(@InjectQueue(IMAGE_PREPARE) queue: Queue) {
    this.bell = new Bell(queue);
  }

  /** Orders it once: while an order for the name waits or is carried out, another is the same. */
  order(name: string): void {
    this.bell.ring(`prepare-${createHash('sha256').update(name).digest('hex').slice(0, 24)}`, { name });
  }
}
