import type { DataSource } from 'typeorm';

/** Any constant will do; it has to be the same in every version of the server. */
const MIGRATION_LOCK = 7_302_551;

/** Brings the schema up to date, all in one transaction; replicas that start together wait for each other. */
export async function migrateUnderLock(source: DataSource): Promise<void> {
  const lock = source.createQueryRunner();
  try {
    await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await source.runMigrations({ transaction: 'all' });
    await lock.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
  } finally {
    await lock.release();
  }
}
