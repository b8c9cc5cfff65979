import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putImage } from './image-steps.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

const MAC = '52:54:00:00:00:01';
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  await putImage(server, 'debian.img', Buffer.alloc(512, 1));
});

afterAll(() => server.stop());

describe('PUT /machines/{mac}', () => {
  it('makes a record, and replaces the operator’s fields of one', async () => {
    const made = await server.put(`/machines/${MAC}`, {
      image: 'debian.img',
      boot_policy: 'flash',
      hostname: 'node-1',
      tags: ['nvme', 'rack-2'],
      target_hint: { serial: 'S1', min_size_bytes: 1 },
      ssh_host: 'fd00::1',
    });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      mac: MAC,
      boot_policy: 'flash',
      provisioning_mode: 'none',
      image: 'debian.img',
      hostname: 'node-1',
      tags: ['nvme', 'rack-2'],
      target_hint: { serial: 'S1', min_size_bytes: 1 },
      ssh_host: 'fd00::1',
      discovered_at: null,
      last_seen_at: null,
      last_flashed_at: null,
      agent_connected: false,
      inventory: null,
      active_flash_job: null,
      last_flash_job: null,
    });
    const replaced = await server.put(`/machines/${MAC}`, {});
    expect(replaced.status).toBe(200);
    expect(replaced.json).toMatchObject({
      boot_policy: 'local',
      image: null,
      hostname: null,
      tags: [],
      target_hint: null,
      created_at: made.json.created_at,
    });
  });

  it.each(['52-54-00-00-00-0A', '52540000000a', '5254.0000.000A', '52:54:00:00:00:0a'])(
    'takes %s for the same machine',
    async (mac) => {
      expect((await server.put(`/machines/${mac}`, { hostname: 'same' })).json.mac).toBe('52:54:00:00:00:0a');
      const all = (await server.ask('/machines')).json as { hostname: string }[];
      expect(all.filter(({ hostname }) => hostname === 'same')).toHaveLength(1);
    },
  );

  it.each([
    'zz',
    '52:54:00:00:00',
    'ff:ff:ff:ff:ff:ff',
    '00:00:00:00:00:00',
    '01:00:5e:00:00:01',
    '52:54-00:00:00:01',
    '%0a',
  ])('answers 400 for %s and makes no record', async (mac) => {
    const before = (await server.ask('/machines')).json.length;
    const answer = await server.put(`/machines/${mac}`, {});
    expect([answer.status, answer.json.code]).toEqual([400, 'INVALID_MAC']);
    expect((await server.ask('/machines')).json).toHaveLength(before);
  });

  it.each([
    [{ colour: 'red' }, 'colour'],
    [{ last_flashed_at: '2026-01-01T00:00:00Z' }, 'last_flashed_at'],
    [{ mac: MAC }, 'mac'],
    [{ boot_policy: 'never' }, 'boot_policy'],
    [{ provisioning_mode: 'ansible' }, 'provisioning_mode'],
    [{ provisioning_mode: 'cloud-init' }, 'user_data'],
    [{ user_data: '' }, 'user_data'],
    [{ user_data: 7 }, 'user_data'],
    [{ network_config: 'version: 9' }, 'network_config'],
    [{ provisioning_mode: 'cijoe-online' }, 'cijoe_workflow_ref'],
    [{ cijoe_workflow_ref: 'not-there' }, 'cijoe_workflow_ref'],
    [{ hostname: 'a b' }, 'hostname'],
    [{ hostname: '-a' }, 'hostname'],
    [{ hostname: '' }, 'hostname'],
    [{ hostname: 'a\nb' }, 'hostname'],
    [{ hostname: 7 }, 'hostname'],
    [{ image: '' }, 'image'],
    [{ image: 'not-there.img' }, 'image'],
    [{ image: 'a\n.img' }, 'image'],
    [{ image: ['debian.img'] }, 'image'],
    [{ boot_policy: 'flash' }, 'image'],
    [{ tags: ['a b'] }, 'tags'],
    [{ tags: ['a', 'a'] }, 'tags'],
    [{ tags: 'a' }, 'tags'],
    [{ tags: ['\u001b[2J'] }, 'tags'],
    [{ ssh_host: 'host;reboot' }, 'ssh_host'],
    [{ cijoe_workflow_ref: 'a\u0000b' }, 'cijoe_workflow_ref'],
    [{ cijoe_workflow_ref: 'a\u2028b' }, 'cijoe_workflow_ref'],
    [{ cijoe_workflow_ref: 'a\ud800' }, 'cijoe_workflow_ref'],
    [{ constructor: { prototype: 1 } }, 'constructor'],
    [JSON.parse('{"__proto__":{"boot_policy":"flash"}}'), '__proto__'],
    [{ target_hint: { serial: 'a\nb' } }, 'target_hint.serial'],
    [{ target_hint: { colour: 'red' } }, 'target_hint.colour'],
    [{ target_hint: { min_size_bytes: -1 } }, 'target_hint.min_size_bytes'],
    [{ target_hint: 'sda' }, 'target_hint'],
  ])('answers 422 for %j and names %s', async (body, field) => {
    const answer = await server.put('/machines/52:54:00:00:00:77', body);
    expect(answer.status).toBe(422);
    expect(answer.json.fields.map((problem: { field: string }) => problem.field)).toContain(field);
    expect(answer.json.detail).toContain(field);
    expect((await server.ask('/machines/52:54:00:00:00:77')).status).toBe(404);
  });

  it.each(['', '{', '[]', '"x"', '7', 'null'])(
    'answers 422 for the body %j, or takes it for nothing said',
    async (body) => {
      const headers = { 'Content-Type': 'application/json' };
      const { status } = await server.ask('/machines/52:54:00:00:00:78', { method: 'PUT', body, headers });
      expect(body === '' ? [201] : [422]).toContain(status);
      await server.ask('/machines/52:54:00:00:00:78', { method: 'DELETE' });
    },
  );

  it('answers 413 for a body that no record needs', async () => {
    const answer = await server.put(`/machines/${MAC}`, { hostname: 'a'.repeat(2 * 1024 * 1024) });
    expect([answer.status, answer.json.code]).toEqual([413, 'TOO_LARGE']);
  });

  it.each([
    ['objects', `{"target_hint":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`],
    ['arrays', `{"tags":${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
  ])('answers 422 for %s nested deeper than anything it takes', async (_name, body) => {
    const headers = { 'Content-Type': 'application/json' };
    const answer = await server.ask(`/machines/${MAC}`, { method: 'PUT', body, headers });
    expect([answer.status, answer.json.detail]).toEqual([422, 'content nests deeper than 32']);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/octet-stream'])(
    'answers 422 for %s, and does not take it for a record full of defaults',
    async (type) => {
      await server.put('/machines/52:54:00:00:00:79', { hostname: 'kept' });
      const ask = { method: 'PUT', body: '{"hostname":"new"}', headers: { 'Content-Type': type } };
      const answer = await server.ask('/machines/52:54:00:00:00:79', ask);
      expect([answer.status, answer.json.detail]).toEqual([422, expect.stringContaining('application/json')]);
      expect((await server.ask('/machines/52:54:00:00:00:79')).json.hostname).toBe('kept');
    },
  );
});

describe('GET /machines', () => {
  it('lists sorted by MAC address, page by page, by tag and policy', async () => {
    const macs = ['52:54:00:00:01:03', '52:54:00:00:01:01', '52:54:00:00:01:02'];
    for (const mac of macs) await server.put(`/machines/${mac}`, { tags: ['paged'], boot_policy: 'tui' });
    await server.put('/machines/52:54:00:00:01:04', { tags: ['paged'] });

    const seen: string[] = [];
    let path: string | undefined = '/machines?tag=paged&limit=2';
    while (path !== undefined) {
      const page = await server.ask(path);
      expect(page.json.length).toBeLessThanOrEqual(2);
      seen.push(...page.json.map(({ mac }: { mac: string }) => mac));
      path = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(seen).toEqual([...macs].sort().concat('52:54:00:00:01:04'));
    expect((await server.ask('/machines?tag=paged&boot_policy=tui')).json).toHaveLength(3);
    expect((await server.ask('/machines?tag=none')).json).toEqual([]);
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'boot_policy=x', 'after=x', 'colour=red'])(
    'answers 422 for ?%s',
    async (query) => {
      const answer = await server.ask(`/machines?${query}`);
      expect([answer.status, answer.json.fields[0].field]).toEqual([422, query.split('=')[0]]);
    },
  );
});

describe('DELETE /machines/{mac}', () => {
  it('removes a record once', async () => {
    await server.put('/machines/52:54:00:00:02:01', {});
    expect((await server.ask('/machines/52:54:00:00:02:01', { method: 'DELETE' })).status).toBe(204);
    expect((await server.ask('/machines/52:54:00:00:02:01', { method: 'DELETE' })).status).toBe(404);
    expect((await server.ask('/machines/52:54:00:00:02:01')).status).toBe(404);
  });

  it('refuses while a flash job of the machine is active', async () => {
    await server.put('/machines/52:54:00:00:02:02', { image: 'debian.img' });
    const job = (await server.post('/flash-jobs', { mac: '52:54:00:00:02:02' })).json;
    const answer = await server.ask('/machines/52:54:00:00:02:02', { method: 'DELETE' });
    expect([answer.status, answer.json.code, answer.json.details.job_id]).toEqual([409, 'IN_USE', job.id]);
  });
});

describe('events', () => {
  it('tell who changed what, from where, before and after', async () => {
    const mac = '52:54:00:00:03:01';
    await server.put(`/machines/${mac}`, { hostname: 'old' });
    await server.put(`/machines/${mac}`, { hostname: 'new' });
    const events = (await server.ask(`/events?subject=machine/${mac}`)).json;
    expect(events).toMatchObject([
      {
        subject: `machine/${mac}`,
        action: 'machine.changed',
        actor: 'token:admin',
        ip: '127.0.0.1',
        before: { hostname: 'old' },
        after: { hostname: 'new' },
      },
      { action: 'machine.created', before: null },
    ]);
    const older = await server.ask(`/events?subject=machine/${mac}&limit=1`);
    expect(older.headers.get('link')).toContain(`after=${events[0].id}`);
    expect((await server.ask(`/events?subject=machine/${mac}&after=${events[0].id}`)).json).toHaveLength(1);
  });

  it('are the same rows in the database, whoever asks', async () => {
    const [row] = await query<{ count: string }>(server.database, 'SELECT count(*) FROM events');
    expect((await server.ask('/events')).json).toHaveLength(Number(row?.count));
  });
});
