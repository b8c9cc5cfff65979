import { once } from 'node:events';
import { type ConnectionOptions, type QueueOptions, runMigrations } from 'bullmq';
import { Redis } from 'ioredis';
import { type DatabaseTarget, openPool } from '../db/index.js';
import { noteQueueIsBack, warnOfQueue } from './queue-log.js';
import { redisProblem } from './redis-info.js';

const SCHEMA = 'bullmq';
const CHECK_TIMEOUT_MS = 3_000;

// Orders fail at once while Redis is away, and within two seconds when it hangs. Workers have connections of their own.
const PROMPT = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  connectTimeout: 2_000,
  commandTimeout: 2_000,
  socketTimeout: 2_000,
} as const;

/** Where the queues of this process are: in Postgres, through a pool of their own, or in Redis. */
export class QueueConnection {
  private constructor(
    /** What every queue is made with. */
    readonly options: QueueOptions,
    private readonly probe: () => Promise<unknown>,
    /** Releases the connection; call it when all queues and workers are closed. */
    readonly close: () => Promise<void>,
  ) {}

  static async open(target: DatabaseTarget, redisUrl: string | undefined): Promise<QueueConnection> {
    return redisUrl === undefined ? QueueConnection.toPostgres(target) : QueueConnection.toRedis(redisUrl);
  }

  /** Rejects, with a sentence that says why, when the backend does not answer within three seconds or loses orders. */
  async check(): Promise<void> {
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error('the queue does not answer')), CHECK_TIMEOUT_MS).unref();
    });
    await Promise.race([this.probe(), late]);
  }

  private static async toPostgres(target: DatabaseTarget): Promise<QueueConnection> {
    const pool = openPool(target, 10, SCHEMA);
    // Every queue and every worker listens to it.
    pool.setMaxListeners(0);
    const client = await pool.connect();
    try {
      await runMigrations(client, SCHEMA);
    } finally {
      client.release();
    }
    // BullMQ's types know Redis connections only; the backend takes the pool.
    const connection = pool as unknown as ConnectionOptions;
    return new QueueConnection(
      { connection },
      () => pool.query('SELECT 1'),
      () => pool.end(),
    );
  }

  /** The server starts without Redis, too: it only waits for the first try to connect. */
  private static async toRedis(url: string): Promise<QueueConnection> {
    const redis = new Redis(url, PROMPT);
    let trouble: Error | undefined;
    redis.on('error', (error: Error) => {
      trouble = error;
      warnOfQueue(error);
    });
    redis.on('ready', () => {
      if (trouble !== undefined) noteQueueIsBack();
      trouble = undefined;
    });
    await Promise.race([once(redis, 'ready'), once(redis, 'close')]).catch(() => undefined);
    const probe = async () => {
      const info = await redis.info('memory').catch((cause: unknown) => {
        throw new Error(`Redis is not reachable: ${(trouble ?? (cause as Error)).message}`, { cause });
      });
      const problem = redisProblem(info);
      if (problem !== undefined) throw new Error(problem);
    };
    const options = { connection: redis, skipWaitingForReady: true, skipVersionCheck: true };
    return new QueueConnection(options as unknown as QueueOptions, probe, async () => redis.disconnect());
  }
}
