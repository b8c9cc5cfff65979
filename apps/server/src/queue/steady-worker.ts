import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { type ConnectionOptions, type Job, Worker, type WorkerListener, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { BackendQueue, backendFor } from './queue-backend.js';
import { warnOfQueue } from './queue-log.js';

const LOOK_INTERVAL_MS = 1_500;
/** A worker that idles beside due work this often in a row is stuck. */
const MAX_IDLE_LOOKS = 3;
/** A delayed order may be late by this much before it counts as due. */
const LATE_MS = 1_000;
/** How long a worker that is closed may take, first for the order in hand, then for its connections. */
const CLOSE_PATIENCE_MS = 2_000;

type Process = (order: Job, token?: string, stop?: AbortSignal) => Promise<unknown>;
type Listener = WorkerListener[keyof WorkerListener];

/** One worker of BullMQ with connections of its own. */
interface Hand {
  readonly worker: Worker;
  readonly redis: Redis | undefined;
}

/**
 * A worker that cannot stay stuck. A worker of BullMQ lives on connections that reconnect by themselves, and more than
 * once an outage left one alive but deaf (taskforcesh/bullmq#4585): so it is watched, and when it idles beside work
 * that is due, another takes its place. Takes the part of BullMQ's Worker for `@Processor`.
 */
export class SteadyWorker {
  private readonly log = new Logger('Queue');
  private readonly listeners: (readonly [keyof WorkerListener, Listener])[] = [];
  private readonly queue: BackendQueue;
  private readonly stop = new AbortController();
  private hand: Hand;
  private timer: NodeJS.Timeout;
  private running = 0;
  private taken = 0;

  constructor(
    private readonly name: string,
    private readonly process: Process,
    private readonly options: WorkerOptions,
  ) {
    const { connection } = options;
    this.queue = new BackendQueue(name, {
      connection,
      skipWaitingForReady: true,
      skipVersionCheck: true,
      skipMetasUpdate: true,
    });
    this.queue.on('error', warnOfQueue);
    this.hand = this.hire();
    this.watch(0, 0);
  }

  on<E extends keyof WorkerListener>(event: E, listener: WorkerListener[E]): this {
    this.listeners.push([event, listener]);
    this.hand.worker.on(event, listener);
    return this;
  }

  /** Takes no more orders, and tells the one in hand to stop, which has two seconds. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    // An order that is stopped has not failed: the next start rings it again.
    this.hand.worker.removeAllListeners('failed');
    this.stop.abort(new Error('the server is stopping'));
    await this.dismiss(this.hand);
    await this.queue.close();
  }

  private hire(): Hand {
    const { connection } = this.options;
    const redis =
      connection instanceof Redis
        ? connection.duplicate({
            // A worker waits for Redis to come back, and blocks for longer than an order may take.
            maxRetriesPerRequest: null,
            enableOfflineQueue: true,
            commandTimeout: undefined,
            socketTimeout: undefined,
          })
        : undefined;
    const own = (redis ?? connection) as ConnectionOptions;
    const work = (order: Job, token?: string) => this.work(order, token);
    const worker = new Worker(this.name, work, { ...this.options, connection: own }, backendFor(connection));
    for (const [event, listener] of this.listeners) worker.on(event, listener);
    return { worker, redis };
  }

  private async work(order: Job, token?: string): Promise<unknown> {
    this.running += 1;
    this.taken += 1;
    try {
      return await this.process(order, token, this.stop.signal);
    } finally {
      this.running -= 1;
    }
  }

  private async dismiss({ worker, redis }: Hand): Promise<void> {
    for (let waited = 0; this.running > 0 && waited < CLOSE_PATIENCE_MS; waited += 50) await sleep(50);
    // Without Redis there is nobody to say goodbye to, and BullMQ would wait for that.
    const force = this.running > 0 || (redis !== undefined && redis.status !== 'ready');
    await Promise.race([worker.close(force), sleep(CLOSE_PATIENCE_MS)]);
    redis?.disconnect();
  }

  private watch(idleLooks: number, takenBefore: number): void {
    this.timer = setTimeout(() => void this.look(idleLooks, takenBefore), LOOK_INTERVAL_MS).unref();
  }

  private async look(idleLooks: number, takenBefore: number): Promise<void> {
    const due = await this.isWorkDue().catch((error: Error) => {
      // A queue that does not answer is no fault of the worker.
      if (!this.stop.signal.aborted) warnOfQueue(error);
      return false;
    });
    if (this.stop.signal.aborted) return;
    const idles = due && this.running === 0 && this.taken === takenBefore;
    if (idles && idleLooks + 1 === MAX_IDLE_LOOKS) {
      this.log.warn(`the worker of ${this.name} takes nothing although work is due; another takes its place`);
      const stuck = this.hand;
      this.hand = this.hire();
      void this.dismiss(stuck);
    }
    this.watch(idles ? (idleLooks + 1) % MAX_IDLE_LOOKS : 0, this.taken);
  }

  private async isWorkDue(): Promise<boolean> {
    const counts = await this.queue.getJobCounts('wait', 'prioritized');
    if (Object.values(counts).some((count) => count > 0)) return true;
    const [next] = await this.queue.getDelayed(0, 0);
    if (next === undefined) return false;
    // The delay counts from when the order was made, or from when a worker put it off.
    return Math.max(next.timestamp, next.processedOn ?? 0) + next.delay + LATE_MS < Date.now();
  }
}
