import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putImage } from './image-steps.js';
import { TestServer } from './test-server.js';

const IMAGE = Buffer.alloc(512, 1);
let server: TestServer;
let next = 0;

async function newMachine(fields: Record<string, unknown> = { image: 'debian.img' }): Promise<string> {
  next += 1;
  const mac = `52:54:00:bb:00:${next.toString(16).padStart(2, '0')}`;
  expect((await server.put(`/machines/${mac}`, fields)).status).toBe(201);
  return mac;
}

beforeAll(async () => {
  server = await TestServer.start();
  await putImage(server, 'debian.img', IMAGE);
  await putImage(server, 'alpine.img', Buffer.alloc(1024, 2));
});

afterAll(() => server.stop());

describe('POST /flash-jobs', () => {
  it('queues a job with the image and the hint of the record, fixed by digest', async () => {
    const mac = await newMachine({ image: 'debian.img', target_hint: { serial: 'S1' } });
    const made = await server.post('/flash-jobs', { mac: mac.toUpperCase().replaceAll(':', '-') });
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe(`/flash-jobs/${made.json.id}`);
    expect(made.json).toMatchObject({
      mac,
      state: 'queued',
      stage: null,
      epoch: 0,
      image: { name: 'debian.img', format: 'img', size_bytes: 512, content_size_bytes: 512 },
      verify: 'full',
      target_hint: { serial: 'S1' },
      provisioning_mode: 'none',
      requested_by: 'token:admin',
      progress: null,
      error: null,
      result: null,
      history: [{ state: 'queued', epoch: 0, stage: null }],
    });
    expect((await server.ask(`/flash-jobs/${made.json.id}`)).json).toEqual(made.json);
    expect((await server.ask(`/machines/${mac}`)).json.active_flash_job).toMatchObject({ id: made.json.id });
  });

  it('takes image, hint and verification from the order when it names them', async () => {
    const mac = await newMachine({ image: 'debian.img', target_hint: { serial: 'S1' } });
    const order = { mac, image: 'alpine.img', verify: 'written', target_hint: { wwn: '0x5' } };
    expect((await server.post('/flash-jobs', order)).json).toMatchObject({
      image: { name: 'alpine.img', content_size_bytes: 1024 },
      verify: 'written',
      target_hint: { wwn: '0x5' },
    });
    expect((await server.ask(`/machines/${mac}`)).json.image).toBe('debian.img');
  });

  it('makes one job of many orders at once, and names it to the others', async () => {
    const mac = await newMachine();
    const answers = await Promise.all(Array.from({ length: 8 }, () => server.post('/flash-jobs', { mac })));
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(1);
    for (const refused of answers.filter(({ status }) => status !== 201)) {
      expect([refused.status, refused.json.code, refused.json.details.job_id]).toEqual([
        409,
        'JOB_ACTIVE',
        made[0]?.json.id,
      ]);
    }
  });

  it('gives the same job for the same key and order, also to many at once', async () => {
    const mac = await newMachine();
    const key = { 'Idempotency-Key': 'build-17' };
    const answers = await Promise.all(Array.from({ length: 6 }, () => server.post('/flash-jobs', { mac }, key)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 201]);
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    const other = await server.post('/flash-jobs', { mac, verify: 'off' }, key);
    expect([other.status, other.json.fields[0].field]).toEqual([422, 'Idempotency-Key']);
    const bad = await server.post('/flash-jobs', { mac }, { 'Idempotency-Key': 'a b' });
    expect([bad.status, bad.json.fields[0].field]).toEqual([422, 'Idempotency-Key']);
  });

  it.each([
    [{}, 'mac'],
    [{ mac: 'zz' }, 'mac'],
    [{ mac: 7 }, 'mac'],
    [{ mac: '52:54:00:bb:ff:01', colour: 'red' }, 'colour'],
    [{ mac: '52:54:00:bb:ff:01', state: 'succeeded' }, 'state'],
    [{ mac: '52:54:00:bb:ff:01', kind: 'look' }, 'kind'],
    [{ mac: '52:54:00:bb:ff:01', verify: 'maybe' }, 'verify'],
    [{ mac: '52:54:00:bb:ff:01', image: '' }, 'image'],
    [{ mac: '52:54:00:bb:ff:01', target_hint: { transport: 'floppy' } }, 'target_hint.transport'],
  ])('answers 422 for %j and names %s', async (body, field) => {
    const answer = await server.post('/flash-jobs', body);
    expect(answer.status).toBe(422);
    expect(answer.json.fields.map((problem: { field: string }) => problem.field)).toContain(field);
  });

  it('takes an order for a check, of the image alone', async () => {
    const mac = await newMachine({
      image: 'debian.img',
      provisioning_mode: 'cloud-init',
      user_data: '#cloud-config\n',
    });
    const made = await server.post('/flash-jobs', { mac, kind: 'check' });
    expect([made.status, made.json]).toMatchObject([
      201,
      { kind: 'check', provisioning_mode: 'none', check_result: null },
    ]);
    expect((await server.ask(`/flash-jobs/${made.json.id}/seed`)).status).toBe(404);
    expect((await server.ask(`/flash-jobs?mac=${mac}&kind=flash`)).json).toEqual([]);
    expect((await server.ask(`/flash-jobs?mac=${mac}&kind=check`)).json).toEqual([made.json]);
    expect((await server.ask(`/machines/${mac}`)).json).toMatchObject({ active_flash_job: { kind: 'check' } });
    expect((await server.post('/flash-jobs', { mac })).json.code).toBe('JOB_ACTIVE');
  });

  it('answers 422 for an order for a check that names what only a flash has use for', async () => {
    const mac = await newMachine();
    const extra = { verify: 'off', provisioning_mode: 'none', cijoe_workflow_ref: 'a', user_data: '#cloud-config\n' };
    const answer = await server.post('/flash-jobs', { mac, kind: 'check', ...extra });
    expect(answer.status).toBe(422);
    const fields = answer.json.fields.map((problem: { field: string }) => problem.field);
    expect(fields.toSorted()).toEqual(Object.keys(extra).toSorted());
  });

  it('tells orders to check and to flash apart under one key', async () => {
    const mac = await newMachine();
    const key = { 'Idempotency-Key': 'check-1' };
    const made = await server.post('/flash-jobs', { mac, kind: 'check' }, key);
    expect((await server.post('/flash-jobs', { mac, kind: 'check' }, key)).json.id).toBe(made.json.id);
    expect((await server.post('/flash-jobs', { mac }, key)).status).toBe(422);
  });

  it('answers 404 for a machine without a record', async () => {
    expect((await server.post('/flash-jobs', { mac: '52:54:00:bb:ff:01', image: 'debian.img' })).status).toBe(404);
  });

  it('answers 422 for an image that nobody named, that is not there, or that cannot be flashed', async () => {
    const mac = await newMachine({});
    for (const order of [{ mac }, { mac, image: 'not-there.img' }, { mac, image: 'a\0b' }]) {
      const answer = await server.post('/flash-jobs', order);
      expect([order, answer.status]).toEqual([order, 422]);
    }
    expect((await server.ask(`/flash-jobs?mac=${mac}`)).json).toEqual([]);
  });
});

describe('GET /flash-jobs', () => {
  it('lists the newest first, by machine and state, page by page', async () => {
    const mac = await newMachine();
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      const { id } = (await server.post('/flash-jobs', { mac })).json;
      await server.post(`/flash-jobs/${id}/cancel`, undefined);
      ids.unshift(id);
    }
    const seen: string[] = [];
    let path: string | undefined = `/flash-jobs?mac=${mac}&state=cancelled&limit=2`;
    while (path !== undefined) {
      const page = await server.ask(path);
      seen.push(...page.json.map(({ id }: { id: string }) => id));
      path = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(seen).toEqual(ids);
    expect((await server.ask(`/flash-jobs?mac=${mac}&state=queued`)).json).toEqual([]);
    expect((await server.ask(`/machines/${mac}`)).json.last_flash_job).toMatchObject({
      id: ids[0],
      state: 'cancelled',
    });
  });

  it.each(['mac=zz', 'kind=x', 'state=x', 'after=x', 'limit=0'])('answers 422 for ?%s', async (query) => {
    expect((await server.ask(`/flash-jobs?${query}`)).status).toBe(422);
  });

  it.each(['x', '3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f'])('answers 404 for the id %s', async (id) => {
    expect((await server.ask(`/flash-jobs/${id}`)).status).toBe(404);
    expect((await server.ask(`/flash-jobs/${id}/log`)).status).toBe(404);
    expect((await server.post(`/flash-jobs/${id}/cancel`, undefined)).status).toBe(404);
  });
});

describe('POST /flash-jobs/{id}/cancel', () => {
  it('cancels a queued job, once, and lets the next be made', async () => {
    const mac = await newMachine();
    const { id } = (await server.post('/flash-jobs', { mac })).json;
    const cancelled = await server.post(`/flash-jobs/${id}/cancel`, undefined);
    expect([cancelled.status, cancelled.json.state, cancelled.json.error.code]).toEqual([
      200,
      'cancelled',
      'CANCELLED',
    ]);
    expect(cancelled.json.finished_at).not.toBeNull();
    expect((await server.post(`/flash-jobs/${id}/cancel`, undefined)).json).toEqual(cancelled.json);
    expect((await server.post('/flash-jobs', { mac })).status).toBe(201);
    const events = (await server.ask(`/events?subject=flash-job/${id}`)).json;
    expect(events).toMatchObject([
      {
        action: 'flash-job.cancelled',
        actor: 'token:admin',
        before: { state: 'queued' },
        after: { state: 'cancelled' },
      },
      { action: 'flash-job.created', actor: 'token:admin', after: { state: 'queued', image: 'debian.img', mac } },
    ]);
  });
});

describe('a text that Postgres cannot hold', () => {
  it.each(['/machines?tag=%00', '/images?after=a%00', '/events?subject=%00'])('gets 422 at %s', async (path) => {
    expect((await server.ask(path)).status).toBe(422);
  });
});
