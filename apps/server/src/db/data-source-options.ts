import { Logger } from '@nestjs/common';
import type { DataSourceOptions } from 'typeorm';
import { poolConfig } from './connection.js';
import type { DatabaseTarget } from './database-target.js';
import { MIGRATIONS } from './migrations/index.js';
import { SnakeNaming } from './snake-naming.js';

/**
 * TypeORM's options for the target, without the entities: those come from the features. A patient source waits for its
 * queries as long as they take, which migrations need.
 */
export function dataSourceOptions(target: DatabaseTarget, { patient = false } = {}): DataSourceOptions {
  const place =
    'url' in target
      ? { url: target.url }
      : { host: target.socketDir, username: target.user, database: target.database };
  const { connectionTimeoutMillis, query_timeout, keepAlive, max } = poolConfig(target, 10);
  return {
    type: 'postgres',
    ...place,
    namingStrategy: new SnakeNaming(),
    migrations: MIGRATIONS,
    migrationsTableName: 'migrations',
    synchronize: false,
    installExtensions: false,
    uuidExtension: 'pgcrypto',
    extra: { connectionTimeoutMillis, keepAlive, max, ...(patient ? {} : { query_timeout }) },
    // An idle connection that breaks is replaced by the pool; without a handler it would end the process.
    poolErrorHandler: (error: Error) => new Logger('Postgres').warn(`an idle connection broke: ${error.message}`),
  };
}
