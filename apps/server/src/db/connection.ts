import { Logger } from '@nestjs/common';
import pg, { type PoolConfig } from 'pg';
import type { DatabaseTarget } from './database-target.js';

// A hung Postgres must turn into a 503 within seconds, not hold every request.
const LIMITS = { connectionTimeoutMillis: 3_000, query_timeout: 4_000, keepAlive: true } as const;

/** Options of a `pg.Pool` for the target; `schema` becomes the search path of its connections. */
export function poolConfig(target: DatabaseTarget, max: number, schema?: string): PoolConfig {
  const place =
    'url' in target
      ? { connectionString: target.url }
      : { host: target.socketDir, user: target.user, database: target.database };
  return { ...place, ...LIMITS, max, ...(schema === undefined ? {} : { options: `-c search_path=${schema}` }) };
}

/** Opens a pool of at most `max` connections whose search path is `schema`. A connection that breaks is replaced. */
export function openPool(target: DatabaseTarget, max: number, schema: string): pg.Pool {
  const pool = new pg.Pool(poolConfig(target, max, schema));
  pool.on('error', (error) => new Logger('Postgres').warn(`an idle connection broke: ${error.message}`));
  return pool;
}
