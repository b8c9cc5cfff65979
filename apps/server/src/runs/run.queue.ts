import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { Bell, CIJOE_ONLINE } from '../queue/index.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What a job of the queue carries: the id of a run. */
export interface RunOrder {
  readonly runId: string;
}

/** Reads what the queue carries; undefined for what this server cannot have put there. */
export function readRunOrder(data: unknown): RunOrder | undefined {
  const { runId } = (data ?? {}) as { runId?: unknown };
  return typeof runId === 'string' && UUID.test(runId) ? { runId } : undefined;
}

/** Wakes a worker for a run. */
@Injectable()
export class RunQueue {
  private readonly bell: Bell<RunOrder>;

  constructor(@InjectQueue(CIJOE_ONLINE) queue: Queue) {
    this.bell = new Bell(queue);
  }

  /** Orders it once: while an order for the run waits or is carried out, another is the same. */
  order(runId: string): void {
    this.bell.ring(`run-${runId}`, { runId });
  }
}
