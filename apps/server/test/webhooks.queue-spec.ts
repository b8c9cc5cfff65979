import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newMachine } from './flash-steps.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';
import { type Posted, WebhookReceiver } from './webhook-receiver.js';

let server: TestServer;
let twin: TestServer;
let receiver: WebhookReceiver;

beforeAll(async () => {
  server = await TestServer.start();
  twin = await server.twin();
  receiver = await WebhookReceiver.start();
});

afterAll(async () => {
  await twin.stop();
  await server.stop();
  await receiver.stop();
});

afterEach(async () => {
  for (const { id } of (await server.ask('/webhooks')).json) await server.ask(`/webhooks/${id}`, { method: 'DELETE' });
  receiver.posted.length = 0;
  receiver.statuses = [];
});

async function until<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (let tries = 0; tries < 150; tries += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(100);
  }
  throw new Error(`it did not happen; posted: ${JSON.stringify(receiver.posted)}`);
}

async function posts(count: number): Promise<Posted[]> {
  return until(() => (receiver.posted.length >= count ? receiver.posted : undefined));
}

async function add(fields: Record<string, unknown> = {}) {
  const answer = await server.post('/webhooks', { url: receiver.url, ...fields });
  expect(answer.status).toBe(201);
  return answer.json;
}

async function deliveries(id: string) {
  return (await server.ask(`/webhooks/${id}/deliveries`)).json;
}

function isSigned({ headers, body }: Posted, secret: string): boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  return headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

describe('a webhook', () => {
  it('is told each event once, signed, although two servers look after it', async () => {
    const { id, secret } = await add({ actions: ['machine.*'] });
    const macs = [await newMachine(server, {}), await newMachine(twin, {})];
    const told = await posts(2);
    await sleep(1_000);
    expect(told).toHaveLength(2);
    expect(told.map(({ body }) => JSON.parse(body)).sort((a, b) => a.data.id - b.data.id)).toMatchObject([
      { type: 'machine.created', data: { subject: `machine/${macs[0]}`, actor: 'token:admin' } },
      { type: 'machine.created', data: { subject: `machine/${macs[1]}` } },
    ]);
    for (const one of told) {
      expect(isSigned(one, secret)).toBe(true);
      expect(Math.abs(Number(one.headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(20);
    }
    await until(async () =>
      (await deliveries(id)).every((one: { state: string }) => one.state === 'delivered') ? true : undefined,
    );
    expect(await deliveries(id)).toMatchObject([
      { action: 'machine.created', attempts: 1, last_status: 204, last_error: null, next_at: null },
      { action: 'machine.created', attempts: 1 },
    ]);
  });

  it('hears only of what it asked for, and of nothing from before', async () => {
    await newMachine(server, {});
    await add({ actions: ['machine.removed'] });
    const mac = await newMachine(server, {});
    await server.ask(`/machines/${mac}`, { method: 'DELETE' });
    await posts(1);
    await sleep(500);
    expect(receiver.posted.map(({ body }) => JSON.parse(body).type)).toEqual(['machine.removed']);
  });

  it('is told again when it fails, with the same id and body, and follows no redirect', async () => {
    receiver.statuses = [500, 302];
    const { id } = await add({ actions: ['machine.created'] });
    await newMachine(server, {});
    await posts(1);
    const waiting = await until(async () =>
      (await deliveries(id)).find((one: { attempts: number }) => one.attempts === 1),
    );
    expect(waiting).toMatchObject({ state: 'pending', last_status: 500, last_error: 'the receiver answered 500' });
    await query(server.database, 'UPDATE webhook_deliveries SET next_at = now()');
    await posts(2);
    await until(async () => (await deliveries(id)).find((one: { attempts: number }) => one.attempts === 2));
    await query(server.database, 'UPDATE webhook_deliveries SET next_at = now()');
    const told = await posts(3);
    expect(new Set(told.map(({ body }) => body)).size).toBe(1);
    expect(new Set(told.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    const done = await until(async () =>
      (await deliveries(id)).find((one: { state: string }) => one.state === 'delivered'),
    );
    expect(done).toMatchObject({ attempts: 3, last_status: 204 });
  });

  it('is given up at last, and told once more on demand', async () => {
    receiver.statuses = [500];
    const { id } = await add({ url: 'http://127.0.0.1:1/none', actions: ['machine.created'] });
    await newMachine(server, {});
    await until(async () => (await deliveries(id)).find((one: { attempts: number }) => one.attempts === 1));
    await query(server.database, 'UPDATE webhook_deliveries SET next_at = now(), attempts = 8');
    const failed = await until(async () =>
      (await deliveries(id)).find((one: { state: string }) => one.state === 'failed'),
    );
    expect(failed).toMatchObject({ attempts: 9, last_status: null, next_at: null });
    expect(failed.last_error).toMatch(/ECONNREFUSED/);
    await server.put(`/webhooks/${id}`, { url: receiver.url });
    const again = await server.post(`/webhooks/${id}/deliveries/${failed.id}/retry`, undefined);
    expect([again.status, again.json.state]).toEqual([200, 'pending']);
    await posts(1);
  });

  it('shows its key once, and its changes are events without it', async () => {
    const { secret, id } = await add({ description: 'CI' });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    for (const path of ['/webhooks', `/webhooks/${id}`, `/events?subject=webhook/${id}`]) {
      const { text } = await server.ask(path);
      expect(text).toContain(receiver.url);
      expect(text).not.toContain(secret.slice(6));
    }
    expect((await server.put(`/webhooks/${id}`, { url: receiver.url, enabled: false })).json).toMatchObject({
      description: '',
      enabled: false,
    });
    await newMachine(server, {});
    await sleep(500);
    expect(receiver.posted.map(({ body }) => JSON.parse(body).type)).not.toContain('machine.created');
  });

  it.each([
    [{}, 'url'],
    [{ url: 'ftp://a/' }, 'url'],
    [{ url: 'http://user:secret@a/' }, 'url'],
    [{ url: 'http://a/', actions: ['*'] }, 'actions'],
    [{ url: 'http://a/', secret: 'mine' }, 'secret'],
  ])('is refused for %j', async (body, field) => {
    const answer = await server.post('/webhooks', body);
    expect([answer.status, answer.json.fields[0].field]).toEqual([422, field]);
  });

  it('is 404 when there is none', async () => {
    const id = '3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f';
    for (const path of [`/webhooks/${id}`, '/webhooks/x', `/webhooks/${id}/deliveries`]) {
      expect((await server.ask(path)).status).toBe(404);
    }
    expect((await server.ask(`/webhooks/${id}`, { method: 'DELETE' })).status).toBe(404);
  });
});
