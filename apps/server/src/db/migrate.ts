import { DataSource } from 'typeorm';
import { dataSourceOptions } from './data-source-options.js';
import type { DatabaseTarget } from './database-target.js';
import { MIGRATIONS } from './migrations/index.js';

/** Any constant will do; it has to be the same in every version of the server. */
const MIGRATION_LOCK = 7_302_551;

/** Brings the schema up to date, all in one transaction; replicas that start together wait for each other. */
export async function migrateUnderLock(target: DatabaseTarget, migrations = MIGRATIONS): Promise<void> {
  const source = await new DataSource({ ...dataSourceOptions(target, { patient: true }), migrations }).initialize();
  try {
    const lock = source.createQueryRunner();
    // The end of its connection, which is never given back to the pool, frees the lock in any case.
    await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await source.runMigrations({ transaction: 'all' });
    await lock.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
    await lock.release();
  } finally {
    await source.destroy();
  }
}
