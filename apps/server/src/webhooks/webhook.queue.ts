import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { Bell, WEBHOOK } from '../queue/index.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What a job of the queue carries: the id of a delivery. */
interface WebhookOrder {
  readonly deliveryId: string;
}

/** Reads what the queue carries; undefined for what this server cannot have put there. */
export function readWebhookOrder(data: unknown): WebhookOrder | undefined {
  const { deliveryId } = (data ?? {}) as { deliveryId?: unknown };
  return typeof deliveryId === 'string' && UUID.test(deliveryId) ? { deliveryId } : undefined;
}

/** Orders deliveries. */
@Injectable()
export class WebhookQueue {
  private readonly bell: Bell<WebhookOrder>;

  constructor(@InjectQueue(WEBHOOK) queue: Queue) {
    this.bell = new Bell(queue);
  }

  /** Orders a delivery; one that is ordered already stays as it is. */
  order(deliveryId: string): void {
    this.bell.ring(`webhook-${deliveryId}`, { deliveryId });
  }
}
