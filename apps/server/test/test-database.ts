import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import type { SocketTarget } from '../src/db/database-target.js';

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ host: inject('postgresSocketDir'), user: 'bty', database: 'postgres' });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** A fresh, empty database of the shared Postgres. */
export async function createDatabase(): Promise<{ target: SocketTarget; drop: () => Promise<void> }> {
  const database = `test_${randomUUID().replaceAll('-', '')}`;
  await administer(`CREATE DATABASE ${database}`);
  const target = { socketDir: inject('postgresSocketDir'), user: 'bty', database };
  return { target, drop: () => administer(`DROP DATABASE ${database} WITH (FORCE)`) };
}

/** Asks a database directly. */
export async function query<T extends pg.QueryResultRow>(
  target: SocketTarget,
  sql: string,
  values: unknown[] = [],
): Promise<T[]> {
  const client = new pg.Client({ host: target.socketDir, user: target.user, database: target.database });
  await client.connect();
  try {
    return (await client.query<T>(sql, values)).rows;
  } finally {
    await client.end();
  }
}
