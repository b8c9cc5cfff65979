/** Stops a server in the middle of a change, at a place that is chosen and not hit by luck. */
import pg from 'pg';
import { eventually } from '../lab/process.ts';

export class TableLock {
  private constructor(
    private readonly client: pg.Client,
    private readonly watcher: pg.Client,
  ) {}

  /** Locks a table of the bundled Postgres against changes; reading goes on. */
  static async take(socketDir: string, table: string): Promise<TableLock> {
    const place = { host: socketDir, user: 'bty', database: 'bty' };
    const [client, watcher] = [new pg.Client(place), new pg.Client(place)];
    for (const each of [client, watcher]) {
      // Its Postgres may end with the server.
      each.on('error', () => undefined);
      await each.connect();
    }
    await client.query('BEGIN');
    await client.query(`LOCK TABLE ${table} IN EXCLUSIVE MODE`);
    return new TableLock(client, watcher);
  }

  /** Waits until so many changes of the server wait for this lock. */
  async blocks(count = 1): Promise<void> {
    await eventually(
      'a change waits for the lock',
      5_000,
      async () => {
        const found = await this.watcher.query(
          `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~* '^ *(update|insert)'`,
        );
        return (found.rowCount ?? 0) >= count;
      },
      20,
    );
  }

  /** Lets go; nothing happens when the Postgres of the lock has ended. */
  async release(): Promise<void> {
    for (const client of [this.client, this.watcher]) await client.end().catch(() => undefined);
  }
}
