import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { BackendQueue } from './queue-backend.js';
import { QueueConnection } from './queue-connection.js';
import { warnOfQueue } from './queue-log.js';
import { QUEUES } from './queue-names.js';

const STATES = ['wait', 'active', 'delayed'] as const;

/** How many orders of a queue are in a state. */
export interface QueueDepth {
  readonly queue: string;
  readonly state: (typeof STATES)[number];
  readonly count: number;
}

/** Looks how full the queues are. */
@Injectable()
export class QueueDepths implements OnModuleDestroy {
  private queues: readonly BackendQueue[] | undefined;

  constructor(private readonly connection: QueueConnection) {}

  async onModuleDestroy(): Promise<void> {
    await Promise.all((this.queues ?? []).map((queue) => queue.close()));
  }

  /** Of all queues that answer. */
  async all(): Promise<QueueDepth[]> {
    this.queues ??= QUEUES.map((name) => this.open(name));
    return (await Promise.all(this.queues.map((queue) => this.depthsOf(queue)))).flat();
  }

  private open(name: string): BackendQueue {
    const options = { skipWaitingForReady: true, skipVersionCheck: true, skipMetasUpdate: true } as const;
    const queue = new BackendQueue(name, { ...this.connection.options, ...options });
    queue.on('error', warnOfQueue);
    return queue;
  }

  private async depthsOf(queue: BackendQueue): Promise<QueueDepth[]> {
    try {
      const counts = await queue.getJobCounts(...STATES);
      return STATES.map((state) => ({ queue: queue.name, state, count: counts[state] ?? 0 }));
    } catch (error) {
      warnOfQueue(error as Error);
      return [];
    }
  }
}
