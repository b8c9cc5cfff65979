import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putImage } from './image-steps.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

const MAC = '52:54:00:cc:00:01';
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  await putImage(server, 'debian.img', Buffer.alloc(512, 1));
});

afterAll(() => server.stop());

const patch = (body: unknown, headers: Record<string, string> = {}) =>
  server.ask(`/machines/${MAC}`, { method: 'PATCH', body, headers });

describe('PATCH /machines/{mac}', () => {
  it('changes what it names, and leaves the rest', async () => {
    expect((await patch({ hostname: 'a' })).status).toBe(404);
    const made = {
      image: 'debian.img',
      hostname: 'node-1',
      tags: ['rack-1'],
      target_hint: { serial: 'S1', model: 'M' },
    };
    const before = (await server.put(`/machines/${MAC}`, made)).json;
    const headers = { 'Content-Type': 'application/merge-patch+json' };
    const answer = await patch({ hostname: null, boot_policy: 'flash', target_hint: { model: null } }, headers);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      ...before,
      hostname: null,
      boot_policy: 'flash',
      target_hint: { serial: 'S1' },
      updated_at: answer.json.updated_at,
    });
    const [event] = (await server.ask(`/events?subject=machine/${MAC}&limit=1`)).json as object[];
    expect(event).toMatchObject({
      action: 'machine.changed',
      before: { hostname: 'node-1', bootPolicy: 'local' },
      after: { hostname: null, bootPolicy: 'flash' },
    });
  });

  it.each([
    [{ nonsense: 1 }, 'nonsense'],
    [{ tags: 'rack-1' }, 'tags'],
    [{ image: 'unknown.img' }, 'image'],
    [{ target_hint: { nonsense: 1 } }, 'target_hint.nonsense'],
    [{ mac: MAC }, 'mac'],
  ])('refuses %j', async (body, field) => {
    const answer = await patch(body);
    expect([answer.status, answer.json.fields[0].field]).toEqual([422, field]);
  });

  it.each(['[]', '"a"', 'null', '{"a":'])('refuses %s', async (text) => {
    const headers = { 'Content-Type': 'application/merge-patch+json' };
    expect((await patch(text, headers)).status).toBe(422);
  });

  it('loses no change of many at once', async () => {
    const wishes = [{ hostname: 'both' }, { tags: ['both'] }, { drift_ignore: ['/both'] }];
    const answers = await Promise.all(wishes.map((wish) => patch(wish)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const { hostname, tags, drift_ignore } = (await server.ask(`/machines/${MAC}`)).json;
    expect({ hostname, tags, drift_ignore }).toEqual(Object.assign({}, ...wishes));
  });
});

describe('PUT /machines/{mac}', () => {
  it('without content does not reset the record', async () => {
    const before = (await server.ask(`/machines/${MAC}`)).json;
    expect((await server.ask(`/machines/${MAC}`, { method: 'PUT' })).status).toBe(422);
    expect((await server.ask(`/machines/${MAC}`)).json).toEqual(before);
  });
});

describe('the ETag of a record', () => {
  it('spares who has it the body, until anything changes', async () => {
    const first = await server.ask(`/machines/${MAC}`);
    const headers = { 'If-None-Match': first.headers.get('etag') ?? '' };
    const again = await server.ask(`/machines/${MAC}`, { headers });
    expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', first.headers.get('etag')]);
    await server.ask(`/pxe/${MAC}`, { anonymous: true });
    expect((await server.ask(`/machines/${MAC}`, { headers })).status).toBe(200);
  });

  it('lets a change pass only on the fields that were seen', async () => {
    const seen = (await server.ask(`/machines/${MAC}`)).headers.get('etag') ?? '';
    // a contact of the machine is no change of its operator's fields
    await server.ask(`/pxe/${MAC}`, { anonymous: true });
    const changed = await patch({ hostname: 'one' }, { 'If-Match': seen });
    expect(changed.status).toBe(200);
    for (const method of ['PATCH', 'PUT', 'DELETE']) {
      const body = method === 'DELETE' ? {} : { body: { hostname: 'two' } };
      const stale = await server.ask(`/machines/${MAC}`, { method, ...body, headers: { 'If-Match': seen } });
      expect([method, stale.status, stale.json.code]).toEqual([method, 412, 'PRECONDITION_FAILED']);
    }
    expect((await server.ask(`/machines/${MAC}`)).json.hostname).toBe('one');
    const now = { 'If-Match': changed.headers.get('etag') ?? '' };
    expect((await server.put(`/machines/${MAC}`, { tags: ['rack-1'] }, now)).status).toBe(200);
  });

  it('of a record that is not there fits nothing; If-None-Match: * makes only new ones', async () => {
    const path = '/machines/52:54:00:cc:00:99';
    expect((await server.put(path, {}, { 'If-Match': '*' })).status).toBe(412);
    expect((await server.ask(path)).status).toBe(404);
    expect((await server.put(path, {}, { 'If-None-Match': '*' })).status).toBe(201);
    expect((await server.put(path, {}, { 'If-None-Match': '*' })).status).toBe(412);
    const old = (await server.ask(path)).headers.get('etag') ?? '';
    await server.ask(path, { method: 'DELETE' });
    await server.put(path, {});
    expect((await server.put(path, {}, { 'If-Match': old })).status).toBe(412);
    expect((await server.ask(path, { method: 'DELETE' })).status).toBe(204);
  });
});

describe('GET /machines', () => {
  const macs = async (search: string) => {
    const found: string[] = [];
    for (let path: string | undefined = `/machines?${search}`; path !== undefined; ) {
      const answer = await server.ask(path);
      expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
      found.push(...(answer.json as { mac: string }[]).map(({ mac }) => mac.slice(-2)));
      path = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];
    }
    return found.join(' ');
  };

  beforeAll(async () => {
    await query(server.database, 'DELETE FROM machines');
    const records = [
      { tags: ['nvme', 'rack-1'], hostname: 'c', image: 'debian.img' },
      { tags: ['nvme'], hostname: 'a' },
      { tags: ['rack-1'], image: 'debian.img', boot_policy: 'flash' },
      { tags: ['rack-1', 'nvme'], hostname: 'b', provisioning_mode: 'none' },
    ];
    for (const [index, record] of records.entries()) await server.put(`/machines/52:54:00:dd:00:0${index + 1}`, record);
    await server.ask('/pxe/52:54:00:dd:00:03', { anonymous: true });
    await server.ask('/pxe/52:54:00:dd:00:01', { anonymous: true });
    await server.post('/flash-jobs', { mac: '52:54:00:dd:00:04', image: 'debian.img' });
    const over = await server.post('/flash-jobs', { mac: '52:54:00:dd:00:02', image: 'debian.img' });
    await server.ask(`/flash-jobs/${over.json.id}/cancel`, { method: 'POST' });
  });

  it.each([
    ['tag=nvme', '01 02 04'],
    ['tag=nvme&tag=rack-1', '01 04'],
    ['tag=none', ''],
    ['image=debian.img', '01 03'],
    ['state=idle', '01 03'],
    ['state=queued', '04'],
    ['state=cancelled&tag=nvme', '02'],
    ['boot_policy=flash', '03'],
    ['boot_policy=local&image=debian.img', '01'],
  ])('filters by %s', async (search, expected) => {
    expect(await macs(search)).toBe(expected);
  });

  it.each([
    ['', '01 02 03 04'],
    ['sort=-mac', '04 03 02 01'],
    ['sort=hostname', '03 02 04 01'],
    ['sort=-hostname', '01 04 02 03'],
    ['sort=last_seen_at', '02 04 03 01'],
    ['sort=-last_seen_at', '01 03 04 02'],
    ['sort=created_at', '01 02 03 04'],
    ['sort=-image&tag=rack-1', '03 01 04'],
  ])('sorts by %j, over any size of page', async (search, expected) => {
    for (const limit of [1000, 3, 1]) expect(await macs(`${search}&limit=${limit}`)).toBe(expected);
  });

  it('shows the state that it filters by', async () => {
    const states = ((await server.ask('/machines')).json as { state: string }[]).map(({ state }) => state);
    expect(states).toEqual(['idle', 'cancelled', 'idle', 'queued']);
  });

  it.each([
    'sort=password',
    'sort=',
    'sort=mac&sort=image',
    'state=odd',
    'after=!',
    'after=abc',
    'sort=last_seen_at&after=52:54:00:dd:00:01',
    `sort=last_seen_at&after=${Buffer.from('["x","y"]').toString('base64url')}`,
    'limit=0',
    'limit=1001',
    'tag[a]=b',
    'nonsense=1',
  ])('refuses %s', async (search) => {
    expect((await server.ask(`/machines?${search}`)).status).toBe(422);
  });
});
