import { Redis } from 'ioredis';
import { inject } from 'vitest';

/** Settings that put a server's queues where this project of tests wants them: in Postgres, or in a Redis database of its own. */
export async function queueSettings(): Promise<Record<string, string>> {
  const url = inject('redisUrl');
  if (url === undefined) return {};
  const redis = new Redis(url);
  const database = await redis.incr('databases');
  redis.disconnect();
  return { BTY_REDIS_URL: `${url}/${database}` };
}
