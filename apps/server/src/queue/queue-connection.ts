import { Logger } from '@nestjs/common';
import { type ConnectionOptions, createPostgresBackend, runMigrations, setDefaultBackendFactory } from 'bullmq';
import { Redis } from 'ioredis';
import { type DatabaseTarget, openPool } from '../db/index.js';

const SCHEMA = 'bullmq';
const CHECK_TIMEOUT_MS = 3_000;

/** The one connection that all queues and workers of this process share: a Postgres pool, or Redis. */
export class QueueConnection {
  private constructor(
    readonly options: ConnectionOptions,
    private readonly ping: () => Promise<unknown>,
    /** Releases the connection; call it when all queues and workers are closed. */
    readonly close: () => Promise<void>,
  ) {}

  /** Connects, and makes the backend the default of BullMQ in this process. */
  static async open(target: DatabaseTarget, redisUrl: string | undefined): Promise<QueueConnection> {
    return redisUrl === undefined ? QueueConnection.toPostgres(target) : QueueConnection.toRedis(redisUrl);
  }

  /** Resolves when the backend answers; rejects when it does not within three seconds. */
  async check(): Promise<void> {
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error('the queue does not answer')), CHECK_TIMEOUT_MS).unref();
    });
    await Promise.race([this.ping(), late]);
  }

  private static async toPostgres(target: DatabaseTarget): Promise<QueueConnection> {
    setDefaultBackendFactory(createPostgresBackend);
    const pool = openPool(target, 10, SCHEMA);
    const client = await pool.connect();
    try {
      await runMigrations(client, SCHEMA);
    } finally {
      client.release();
    }
    // Nest's types know Redis connections only; the backend takes the pool.
    const options = pool as unknown as ConnectionOptions;
    return new QueueConnection(
      options,
      () => pool.query('SELECT 1'),
      () => pool.end(),
    );
  }

  private static async toRedis(url: string): Promise<QueueConnection> {
    setDefaultBackendFactory();
    // Workers need null here: they wait for Redis to come back instead of giving up.
    const redis = new Redis(url, { maxRetriesPerRequest: null });
    redis.on('error', (error: Error) => new Logger('Queue').warn(`Redis: ${error.message}`));
    return new QueueConnection(
      redis as unknown as ConnectionOptions,
      () => redis.ping(),
      async () => {
        await redis.quit();
      },
    );
  }
}
