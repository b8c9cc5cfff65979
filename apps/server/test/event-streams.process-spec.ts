import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logIn, newToken } from './account-steps.js';
import { newMachine } from './flash-steps.js';
import { putImage } from './image-steps.js';
import { type Received, SseReader } from './sse-reader.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

let server: TestServer;
let twin: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  twin = await server.twin();
  await putImage(server, 'debian.img', Buffer.alloc(512, 1));
});

afterAll(async () => {
  await twin.stop();
  await server.stop();
});

const about = (subject: string) => (message: { data: { subject?: string } }) => message.data.subject === subject;

describe('GET /events as a stream', () => {
  it('is refused without a token', async () => {
    const headers = { accept: 'text/event-stream' };
    expect((await server.ask('/events', { anonymous: true, headers })).status).toBe(401);
    expect((await server.ask('/events/machines', { anonymous: true, headers })).status).toBe(401);
  });

  it('sends what happens, once and in order, at whichever server it was done', async () => {
    const reader = await SseReader.open(twin, '/events');
    expect(reader.contentType).toMatch(/^text\/event-stream/);
    const { id } = await reader.take(({ event }) => event === 'ready');
    const macs: string[] = [];
    for (const at of [server, twin, server, twin]) macs.push(await newMachine(at, {}));
    for (const mac of macs) await reader.take(about(`machine/${mac}`));
    expect(reader.received).toEqual([]);
    reader.close();
    const again = await SseReader.open(server, '/events', id);
    const ofMachines = ({ data }: Received): boolean => String(data.subject).startsWith('machine/');
    for (const mac of macs) expect((await again.take(ofMachines)).data.subject).toBe(`machine/${mac}`);
    again.close();
  });

  it('goes on after Last-Event-ID without a loss, however many events that is', async () => {
    const reader = await SseReader.open(server, '/events');
    const { id } = await reader.take(({ event }) => event === 'ready');
    reader.close();
    await query(
      server.database,
      `INSERT INTO events (tx, subject, action, actor) SELECT pg_current_xact_id()::text::bigint, 'flood/' || n, 'flood', 'test'
       FROM generate_series(1, 1700) AS n`,
    );
    const again = await SseReader.open(server, '/events', id);
    await again.take(about('flood/1'));
    await again.take(about('flood/1699'));
    expect((await again.take(() => true)).data.subject).toBe('flood/1700');
    expect(again.received).toEqual([]);
    const mac = await newMachine(server, {});
    await again.take(about(`machine/${mac}`));
    again.close();
  });

  it('does not pass over an event whose transaction ends after a later one', async () => {
    const reader = await SseReader.open(server, '/events');
    await reader.take(({ event }) => event === 'ready');
    const slow = query(
      server.database,
      `WITH slow AS (INSERT INTO events (tx, subject, action, actor) VALUES (pg_current_xact_id()::text::bigint, 'slow', 'x', 'test')
       RETURNING id) SELECT id, pg_sleep(0.6) FROM slow`,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    const mac = await newMachine(server, {});
    await slow;
    await reader.take(about('slow'));
    await reader.take(about(`machine/${mac}`));
    reader.close();
  });

  it('says that there is a gap when the named event is not kept', async () => {
    const reader = await SseReader.open(server, '/events', '999999999');
    expect((await reader.take(() => true)).event).toBe('gap');
    expect((await reader.take(() => true)).event).toBe('ready');
    reader.close();
  });

  it('sends only the events of a subject when one is named', async () => {
    const mac = await newMachine(server, {});
    const reader = await SseReader.open(server, `/events?subject=machine/${mac}`);
    await newMachine(server, {});
    await server.put(`/machines/${mac}`, { tags: ['a'] });
    await reader.take(({ event }) => event === 'ready');
    expect((await reader.take(({ event }) => event === 'event')).data).toMatchObject({ subject: `machine/${mac}` });
    reader.close();
  });

  it('tells a reader that does not read to go, and serves the others meanwhile', async () => {
    const [slow, other] = [await SseReader.open(server, '/events'), await SseReader.open(server, '/events')];
    await slow.take(({ event }) => event === 'ready');
    slow.hear(false);
    await query(
      server.database,
      `INSERT INTO events (tx, subject, action, actor, after)
       SELECT pg_current_xact_id()::text::bigint, 'big/' || n, 'big', 'test', jsonb_build_object('text', repeat('x', 10000))
       FROM generate_series(1, 1500) AS n`,
    );
    await other.take(about('big/1500'));
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    slow.hear(true);
    await slow.ended();
    expect(slow.received.at(-1)).toMatchObject({ event: 'closed', data: { code: 'TOO_SLOW' } });
    other.close();
  }, 40_000);

  it('ends when the server stops, and does not hold it', async () => {
    const third = await server.twin();
    const reader = await SseReader.open(third, '/events');
    await reader.take(({ event }) => event === 'ready');
    const began = Date.now();
    await third.stop();
    expect(Date.now() - began).toBeLessThan(5_000);
    await reader.ended();
    expect(reader.received.at(-1)).toMatchObject({ event: 'closed', data: { code: 'SERVER_RESTART' } });
  });

  it('still gives a list to whoever does not ask for a stream', async () => {
    expect(Array.isArray((await server.ask('/events?limit=3')).json)).toBe(true);
  });
});

describe('a stream', () => {
  it('ends with the credential of its reader, at whichever server, and no other does', async () => {
    const made = await server.post('/tokens', { name: 'reader', role: 'viewer' });
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    const expiring = await newToken(server, { name: 'expiring', role: 'viewer', expires_at: soon });
    await server.post('/users', { username: 'anna', password: 'correct horse', role: 'viewer' });
    const session = (await logIn(server, 'anna', 'correct horse')).json.token;
    const [revoked, expired, loggedOut, stays] = await Promise.all([
      SseReader.open(twin, '/events', undefined, made.json.token),
      SseReader.open(twin, '/events/machines', undefined, expiring),
      SseReader.open(twin, '/events', undefined, session),
      SseReader.open(twin, '/events'),
    ]);
    await server.ask(`/tokens/${made.json.id}`, { method: 'DELETE' });
    await query(server.database, `UPDATE api_tokens SET expires_at = now() WHERE name = 'expiring'`);
    const headers = { Authorization: `Bearer ${session}` };
    expect((await server.ask('/auth/logout', { method: 'POST', headers })).status).toBe(204);
    for (const reader of [revoked, expired, loggedOut]) {
      await reader.ended();
      expect(reader.received.at(-1)).toMatchObject({ event: 'closed', data: { code: 'UNAUTHENTICATED' } });
    }
    const mac = await newMachine(server, {});
    await stays.take(about(`machine/${mac}`));
    stays.close();
  });
});

describe('GET /events/machines', () => {
  it('sends all records, then each that changes, at whichever server', async () => {
    const mac = await newMachine(server, { image: 'debian.img' });
    const reader = await SseReader.open(twin, '/events/machines');
    const snapshot = await reader.take(({ event }) => event === 'snapshot');
    expect(snapshot.data.map((record: { mac: string }) => record.mac)).toContain(mac);
    await reader.take(({ event }) => event === 'ready');
    const { id } = (await server.post('/flash-jobs', { mac })).json;
    // its making may be told after the snapshot once more
    const ordered = await reader.take(({ data }) => data.mac === mac && data.active_flash_job !== null);
    expect(ordered.data.active_flash_job).toMatchObject({ id, state: 'queued' });
    await server.post(`/flash-jobs/${id}/cancel`, undefined);
    const cancelled = await reader.take(({ event, data }) => event === 'machine' && data.mac === mac);
    expect(cancelled.data).toMatchObject({ active_flash_job: null, last_flash_job: { id, state: 'cancelled' } });
    expect((await server.ask(`/machines/${mac}`, { method: 'DELETE' })).status).toBe(204);
    expect((await reader.take(({ event }) => event === 'removed')).data).toEqual({ mac });
    reader.close();
  });

  it('sends what has changed since Last-Event-ID in place of a snapshot', async () => {
    const reader = await SseReader.open(server, '/events/machines');
    await reader.take(({ event }) => event === 'ready');
    reader.close();
    const mac = await newMachine(server, {});
    const again = await SseReader.open(server, '/events/machines', reader.lastId);
    const first = await again.take(() => true);
    expect(first).toMatchObject({ event: 'machine', data: { mac } });
    again.close();
  });
});

describe('event retention', () => {
  it('removes what is older than the setting says', async () => {
    await query(server.database, `UPDATE events SET at = now() - interval '100 days' WHERE subject LIKE 'flood/%'`);
    const fresh = await server.twin();
    for (let tries = 0; tries < 100; tries += 1) {
      const [left] = await query<{ count: number }>(
        server.database,
        `SELECT count(*)::int AS count FROM events WHERE subject LIKE 'flood/%'`,
      );
      if (left?.count === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await fresh.stop();
    expect((await server.ask('/events?subject=flood/1700')).json).toEqual([]);
    expect((await server.ask('/events')).json.length).toBeGreaterThan(0);
  });
});
