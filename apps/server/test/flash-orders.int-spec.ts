import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent, resultOf } from './fake-agent.js';
import { job, newMachine } from './flash-steps.js';
import { putImage } from './image-steps.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

const GIB = 2 ** 30;
let server: TestServer;
let twin: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  twin = await server.twin();
  await putImage(server, 'debian.img', Buffer.alloc(512, 1));
  await putImage(server, 'alpine.img', Buffer.alloc(1024, 2));
});

afterAll(async () => {
  await twin.stop();
  await server.stop();
});

async function flash(mac: string, at: TestServer = server): Promise<string> {
  const { id } = (await at.post('/flash-jobs', { mac })).json;
  const agent = await FakeAgent.boot(at, mac);
  await agent.flash(await agent.receive('flash.start'));
  agent.cut();
  return id;
}

describe('an order for several machines', () => {
  it('makes a job for each that has all tags, and names what stands in the way of the others', async () => {
    const fields = { image: 'debian.img', tags: ['rack-1', 'nvme'] };
    const [free, busy] = [await newMachine(server, fields), await newMachine(server, fields)];
    const bare = await newMachine(server, { tags: ['rack-1', 'nvme'] });
    const other = await newMachine(server, { image: 'debian.img', tags: ['rack-1'] });
    const holder = (await server.post('/flash-jobs', { mac: busy })).json;
    const answer = await server.post('/flash-jobs', { selector: { pool: 'rack-1', tags: ['nvme'] } });
    expect(answer.status).toBe(201);
    expect(answer.json.results.map(({ mac }: { mac: string }) => mac)).toEqual([free, busy, bare].sort());
    const of = (mac: string) => answer.json.results.find((result: { mac: string }) => result.mac === mac);
    expect(of(free)).toMatchObject({ problem: null, job: { state: 'queued', image: { name: 'debian.img' } } });
    expect(of(busy)).toMatchObject({ job: null, problem: { code: 'JOB_ACTIVE', details: { job_id: holder.id } } });
    expect(of(bare)).toMatchObject({ job: null, problem: { code: 'INVALID_REQUEST' } });
    expect((await server.ask(`/flash-jobs?mac=${other}`)).json).toEqual([]);
  });

  it('takes machines by address and by the image of their record, and refuses one without a record', async () => {
    const mac = await newMachine(server, { image: 'alpine.img' });
    const unknown = '52:54:00:dd:dd:01';
    const answer = await server.post('/flash-jobs', { selector: { macs: [unknown, mac.toUpperCase()] } });
    expect(answer.json.results).toMatchObject([
      { mac, job: { mac }, problem: null },
      { mac: unknown, job: null, problem: { code: 'NOT_FOUND' } },
    ]);
    await server.post(`/flash-jobs/${answer.json.results[0].job.id}/cancel`, undefined);
    const again = await server.post('/flash-jobs', { selector: { image: 'alpine.img' }, verify: 'off' });
    expect(again.json.results).toMatchObject([{ mac, job: { verify: 'off' } }]);
  });

  it('is refused as a whole when it matches nothing, nobody, or says nothing', async () => {
    expect((await server.post('/flash-jobs', { selector: { pool: 'empty' } })).status).toBe(404);
    const mac = await newMachine(server, { tags: ['all-busy'], image: 'debian.img' });
    const { id } = (await server.post('/flash-jobs', { mac })).json;
    const key = { 'Idempotency-Key': 'all-busy' };
    const refused = await server.post('/flash-jobs', { selector: { pool: 'all-busy' } }, key);
    expect([refused.status, refused.json.details.results]).toMatchObject([
      409,
      [{ mac, code: 'JOB_ACTIVE', details: { job_id: id } }],
    ]);
    await server.post(`/flash-jobs/${id}/cancel`, undefined);
    expect((await server.post('/flash-jobs', { selector: { pool: 'all-busy' } }, key)).status).toBe(201);
    for (const body of [{ selector: {} }, {}, { mac, selector: { pool: 'x' } }, { selector: { macs: [] } }]) {
      expect([body, (await server.post('/flash-jobs', body)).status]).toEqual([body, 422]);
    }
  });

  it('gives the same jobs for the same key, at any server and to many at once', async () => {
    const macs = [await newMachine(server, { tags: ['keyed'], image: 'debian.img' })];
    macs.push(await newMachine(server, { tags: ['keyed'], image: 'debian.img' }));
    const order = { selector: { pool: 'keyed' } };
    const key = { 'Idempotency-Key': 'build-18' };
    const answers = await Promise.all([server, twin, server, twin].map((at) => at.post('/flash-jobs', order, key)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 201]);
    const ids = answers.map(({ json }) => json.results.map((result: { job: { id: string } }) => result.job.id).join());
    expect(new Set(ids).size).toBe(1);
    expect(answers.find(({ status }) => status === 200)?.headers.get('idempotent-replayed')).toBe('true');
    const other = await server.post('/flash-jobs', { selector: { pool: 'rack-1' } }, key);
    expect([other.status, other.json.fields[0].field]).toEqual([422, 'Idempotency-Key']);
    await query(server.database, `UPDATE idempotency_keys SET created_at = now() - interval '25 hours'`);
    expect((await server.post('/flash-jobs', { selector: { pool: 'rack-1' } }, key)).status).not.toBe(422);
  });
});

describe('?wait', () => {
  it('answers when the job has ended, whichever server the agent is at', async () => {
    const mac = await newMachine(server, { image: 'debian.img', boot_policy: 'tui' });
    const agent = await FakeAgent.boot(twin, mac);
    const ordered = server.post('/flash-jobs?wait=10', { mac });
    const start = await agent.receive('flash.start');
    const watched = server.ask(`/flash-jobs/${start.job_id}?wait=10`);
    await sleep(300);
    await agent.flash(start);
    const finishedAt = Date.now();
    expect((await ordered).json).toMatchObject({ id: start.job_id, state: 'succeeded' });
    expect((await watched).json).toMatchObject({ id: start.job_id, state: 'succeeded' });
    expect(Date.now() - finishedAt).toBeLessThan(2_000);
    agent.cut();
  });

  it('answers with the job as it is when the time is up, and at once when it has ended before', async () => {
    const mac = await newMachine(server, { image: 'debian.img' });
    const began = Date.now();
    const { json } = await server.post('/flash-jobs?wait=1', { mac });
    expect(json.state).toBe('queued');
    expect(Date.now() - began).toBeGreaterThanOrEqual(950);
    await server.post(`/flash-jobs/${json.id}/cancel`, undefined);
    const asked = Date.now();
    expect((await server.ask(`/flash-jobs/${json.id}?wait=30`)).json.state).toBe('cancelled');
    expect(Date.now() - asked).toBeLessThan(2_000);
    for (const wait of ['-1', 'x', '601', '1.5']) {
      expect((await server.ask(`/flash-jobs/${json.id}?wait=${wait}`)).status).toBe(422);
    }
  });

  it('does not hold a server that stops', async () => {
    const third = await server.twin();
    const mac = await newMachine(server, { image: 'debian.img' });
    const answer = third.post('/flash-jobs?wait=60', { mac });
    await sleep(500);
    const began = Date.now();
    await Promise.all([third.stop(), answer.catch(() => undefined)]);
    expect(Date.now() - began).toBeLessThan(5_000);
  });
});

describe('POST /flash-jobs/{id}/retry', () => {
  it('orders again what was cancelled, and names the old job', async () => {
    const mac = await newMachine(server, { image: 'debian.img' });
    const order = { mac, image: 'alpine.img', verify: 'off', target_hint: { serial: 'S7' } };
    const { id } = (await server.post('/flash-jobs', order)).json;
    expect((await server.post(`/flash-jobs/${id}/retry`, undefined)).status).toBe(409);
    await server.post(`/flash-jobs/${id}/cancel`, undefined);
    const again = await server.post(`/flash-jobs/${id}/retry`, undefined);
    expect([again.status, again.json]).toMatchObject([
      201,
      { retry_of: id, state: 'queued', image: { name: 'alpine.img' }, verify: 'off', target_hint: { serial: 'S7' } },
    ]);
    expect(again.headers.get('location')).toBe(`/flash-jobs/${again.json.id}`);
    const twice = await server.post(`/flash-jobs/${id}/retry`, undefined);
    expect([twice.status, twice.json.details.job_id]).toEqual([409, again.json.id]);
  });

  it('is refused for a job that has succeeded, and for bytes that have changed', async () => {
    const mac = await newMachine(server, { image: 'debian.img' });
    const id = await flash(mac);
    expect((await server.post(`/flash-jobs/${id}/retry`, undefined)).status).toBe(409);
    await putImage(server, 'nightly.img', Buffer.alloc(512, 5));
    const { json } = await server.post('/flash-jobs', { mac, image: 'nightly.img' });
    await server.post(`/flash-jobs/${json.id}/cancel`, undefined);
    await server.ask('/images/nightly.img', { method: 'DELETE' });
    await putImage(server, 'nightly.img', Buffer.alloc(512, 6));
    const refused = await server.post(`/flash-jobs/${json.id}/retry`, undefined);
    expect([refused.status, refused.json.code]).toEqual([409, 'IMAGE_CHANGED']);
  });
});

describe('the history of a job', () => {
  it('tells each phase with its bytes and its rate, and what earlier flashes predict', async () => {
    const mac = await newMachine(server, { image: 'debian.img' });
    const { json } = await server.post('/flash-jobs', { mac });
    expect(json.predicted).toMatchObject({ based_on: 'image', ready_at: null });
    const agent = await FakeAgent.boot(server, mac);
    const start = await agent.receive('flash.start');
    const ref = { job_id: start.job_id, epoch: start.epoch };
    await agent.report({ type: 'flash.stage', ...ref, stage: 'writing' });
    agent.send({
      type: 'flash.progress',
      ...ref,
      stage: 'writing',
      bytes_done: 400,
      bytes_total: 512,
      bytes_per_second: 9,
    });
    await sleep(200);
    await agent.report({ type: 'flash.stage', ...ref, stage: 'flushing' });
    await agent.report({ type: 'flash.finished', ...ref, outcome: 'succeeded', result: resultOf(start) });
    agent.cut();
    const done = await job(server, json.id);
    expect(done.phases).toMatchObject([
      { stage: 'writing', epoch: 1, bytes_done: 400 },
      { stage: 'flushing', epoch: 1, bytes_done: null, bytes_per_second: null },
    ]);
    const [writing] = done.phases;
    expect(writing.seconds).toBeGreaterThan(0.1);
    expect(writing.bytes_per_second).toBe(Math.round(400 / writing.seconds));
    expect(done.result).toMatchObject({ strategy: 'write-through', bytes_verified: 512, verify: 'full' });
    await query(server.database, `UPDATE flash_jobs SET dispatched_at = finished_at - interval '42 s' WHERE id = $1`, [
      json.id,
    ]);
    const next = (await server.post('/flash-jobs', { mac })).json;
    expect(next.predicted).toEqual({ seconds: 42, based_on: 'machine-and-image', ready_at: null });
  });

  it('raises an event when the disk has got much slower', async () => {
    const mac = await newMachine(server, { image: 'debian.img' });
    const flashAt = async (verifyMs: number) => {
      await server.post('/flash-jobs', { mac });
      const agent = await FakeAgent.boot(server, mac);
      const start = await agent.receive('flash.start');
      const ref = { job_id: start.job_id, epoch: start.epoch };
      const times = { stage_ms: { writing: 1000, verifying: verifyMs }, bytes_verified: GIB };
      await agent.report({
        type: 'flash.finished',
        ...ref,
        outcome: 'succeeded',
        result: { ...resultOf(start), ...times },
      });
      agent.cut();
      return start.job_id;
    };
    for (const ms of [1000, 1100, 900]) await flashAt(ms);
    const slow = (await server.ask(`/events?subject=machine/${mac}`)).json;
    expect(slow.filter((event: { action: string }) => event.action === 'machine.disk-slow')).toEqual([]);
    const id = await flashAt(5000);
    const events = (await server.ask(`/events?subject=machine/${mac}`)).json;
    expect(events.filter((event: { action: string }) => event.action === 'machine.disk-slow')).toMatchObject([
      {
        after: {
          job_id: id,
          phase: 'verifying',
          usual_bytes_per_second: GIB,
          bytes_per_second: Math.round(GIB / 5),
          flashes: 3,
        },
      },
    ]);
  });
});

describe('an agent at another server', () => {
  it('gets a job that was ordered here, and hears that it was cancelled here', async () => {
    const mac = await newMachine(server, { image: 'debian.img', boot_policy: 'tui' });
    const agent = await FakeAgent.boot(twin, mac);
    const { id } = (await server.post('/flash-jobs', { mac })).json;
    expect(await agent.receive('flash.start')).toMatchObject({ job_id: id });
    await server.post(`/flash-jobs/${id}/cancel`, undefined);
    expect(await agent.receive('flash.cancel')).toMatchObject({ job_id: id, code: 'CANCELLED' });
    agent.cut();
  });
});
