import type { MigrationInterface, QueryRunner } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SocketTarget } from '../src/db/database-target.js';
import { migrateUnderLock } from '../src/db/migrate.js';
import { MIGRATIONS } from '../src/db/migrations/index.js';
import { createDatabase, query } from './test-database.js';

const MAC = '52:54:00:0d:00:01';
const NAMES = MIGRATIONS.map((migration) => migration.name);
/** Records in the columns that the very first version had. */
const OLD_DATA = `
  INSERT INTO images (name, format, state, fingerprint, size_bytes) VALUES ('old.img', 'img', 'ready', 'x', 512);
  INSERT INTO machines (mac, boot_policy, provisioning_mode, image, tags)
    VALUES ('${MAC}', 'flash', 'none', 'old.img', '{rack-1}');
  INSERT INTO flash_jobs (id, mac, state, version, epoch, image_name, verify, provisioning_mode, requested_by, history, created_at)
    VALUES (gen_random_uuid(), '${MAC}', 'succeeded', 3, 1, 'old.img', 'full', 'none', 'admin', '[]', now());
  INSERT INTO events (subject, action, actor) VALUES ('machine/${MAC}', 'machine.put', 'admin');`;

class Fails1999999999999 implements MigrationInterface {
  name = 'Fails1999999999999';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE half_done (id integer)');
    throw new Error('this migration fails');
  }

  async down(): Promise<void> {}
}

describe('an upgrade', () => {
  let target: SocketTarget;
  let drop: () => Promise<void>;

  beforeEach(async () => {
    ({ target, drop } = await createDatabase());
  });

  afterEach(async () => drop());

  const applied = async (): Promise<string[]> =>
    (await query<{ name: string }>(target, 'SELECT name FROM migrations ORDER BY id')).map(({ name }) => name);

  it.each([
    ['first', 1],
    ['previous', MIGRATIONS.length - 1],
  ])('of the %s schema by three replicas at once migrates once, and keeps every record', async (_which, count) => {
    await migrateUnderLock(target, MIGRATIONS.slice(0, 1));
    await query(target, OLD_DATA);
    await migrateUnderLock(target, MIGRATIONS.slice(0, count));
    expect(await applied()).toEqual(NAMES.slice(0, count));
    await Promise.all([migrateUnderLock(target), migrateUnderLock(target), migrateUnderLock(target)]);
    expect(await applied()).toEqual(NAMES);
    expect(await query(target, 'SELECT mac, boot_policy, image, tags FROM machines')).toEqual([
      { mac: MAC, boot_policy: 'flash', image: 'old.img', tags: ['rack-1'] },
    ]);
    expect(await query(target, 'SELECT name, state FROM images')).toMatchObject([{ name: 'old.img' }]);
    expect(await query(target, 'SELECT mac, state, image_name FROM flash_jobs')).toEqual([
      { mac: MAC, state: 'succeeded', image_name: 'old.img' },
    ]);
    expect(await query(target, 'SELECT subject, action FROM events')).toHaveLength(1);
  });

  it('that fails half way changes nothing, and the next one starts where this one did', async () => {
    await migrateUnderLock(target, MIGRATIONS.slice(0, 1));
    await query(target, OLD_DATA);
    await expect(migrateUnderLock(target, [...MIGRATIONS, Fails1999999999999])).rejects.toThrow('this migration fails');
    expect(await applied()).toEqual(NAMES.slice(0, 1));
    const [left] = await query(target, "SELECT to_regclass('half_done') AS half_done, to_regclass('users') AS users");
    expect(left).toEqual({ half_done: null, users: null });
    await migrateUnderLock(target);
    expect(await applied()).toEqual(NAMES);
    expect(await query(target, 'SELECT mac FROM machines')).toHaveLength(1);
  });
});
