/** Stops a server in the middle of a change, at a place that is chosen and not hit by luck. */
import pg from 'pg';
import { eventually } from '../lab/process.ts';

export class DatabaseLock {
  private constructor(
    private readonly client: pg.Client,
    private readonly watcher: pg.Client,
  ) {}

  /** Takes the lock that a statement takes, in the bundled Postgres. */
  static async take(socketDir: string, statement: string): Promise<DatabaseLock> {
    const place = { host: socketDir, user: 'bty', database: 'bty' };
    const [client, watcher] = [new pg.Client(place), new pg.Client(place)];
    for (const each of [client, watcher]) {
      // Its Postgres may end with the server.
      each.on('error', () => undefined);
      await each.connect();
    }
    await client.query('BEGIN');
    await client.query(statement);
    return new DatabaseLock(client, watcher);
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
