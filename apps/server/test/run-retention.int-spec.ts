import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

const [A, B] = ['52:54:00:79:00:01', '52:54:00:79:00:02'];
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ BTY_RUN_KEEP_DAYS: '10', BTY_RUNS_KEPT: '3' });
  for (const mac of [A, B]) await server.put(`/machines/${mac}`, {});
});

afterAll(() => server.stop());

/** A run of so many days ago, with a log. */
async function oldRun(mac: string, daysAgo: number, state = 'failed'): Promise<string> {
  const id = randomUUID();
  const at = new Date(Date.now() - daysAgo * 86_400_000);
  await query(
    server.database,
    `INSERT INTO runs (id, mac, kind, state, version, workflow_name, workflow_digest, requested_by, history, created_at, finished_at)
     VALUES ($1, $2, 'online', $3, 1, 'w', 'd', 'token:admin', '[]', $4, $5)`,
    [id, mac, state, at, state === 'queued' ? null : at],
  );
  mkdirSync(join(server.config.stateDir, 'runs', id), { recursive: true });
  writeFileSync(logOf(id), 'said\n');
  return id;
}

function logOf(id: string): string {
  return join(server.config.stateDir, 'runs', id, 'log');
}

async function recordBaseline(mac: string, version: number, runId: string, current: boolean): Promise<void> {
  await query(
    server.database,
    `INSERT INTO baselines (mac, version, current, recorded_at, run_id, workflow_name, workflow_digest, facts)
     VALUES ($1, $2, $3, now(), $4, 'w', 'd', '{}')`,
    [mac, version, current, runId],
  );
}

describe('runs that are over', () => {
  it('are removed with their files when they are too old or too many, but for what still counts', async () => {
    const good = await oldRun(A, 30, 'succeeded');
    const formerlyGood = await oldRun(A, 29, 'succeeded');
    await recordBaseline(A, 1, formerlyGood, false);
    await recordBaseline(A, 2, good, true);
    const old = await oldRun(A, 11);
    const young = [await oldRun(A, 9), await oldRun(A, 1)];
    const forgotten = await oldRun(B, 400);
    const tooMany = [await oldRun(B, 3), await oldRun(B, 2.5)];
    const kept = [await oldRun(B, 2), await oldRun(B, 1), await oldRun(B, 0.5, 'queued')];
    const lonely = await oldRun('52:54:00:79:00:03', 400);

    server = await server.restart();
    const ids = async () => (await query<{ id: string }>(server.database, 'SELECT id FROM runs')).map(({ id }) => id);
    const staying = [good, ...young, ...kept, lonely];
    await expect.poll(async () => (await ids()).toSorted()).toEqual(staying.toSorted());
    const gone = [formerlyGood, old, forgotten, ...tooMany];
    await expect.poll(() => gone.filter((id) => existsSync(logOf(id)))).toEqual([]);
    expect(staying.filter((id) => !existsSync(logOf(id)))).toEqual([]);
    const events = (await server.ask(`/events?subject=run/${old}`)).json;
    expect(events).toMatchObject([{ action: 'run.removed', actor: 'retention' }]);
  });
});
