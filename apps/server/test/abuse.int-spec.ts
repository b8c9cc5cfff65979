import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newToken } from './account-steps.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

const MAC = '52:54:00:ab:00:01';
const JSON_TYPE = { 'Content-Type': 'application/json' };
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  await server.put(`/machines/${MAC}`, { hostname: 'kept', tags: ['kept'] });
});

afterAll(() => server.stop());

const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

/** Routes that take JSON; the first is open to anyone. */
const TAKING = [
  ['POST', '/auth/login'],
  ['POST', '/auth/password'],
  ['POST', '/users'],
  ['PATCH', '/users/anna'],
  ['POST', '/tokens'],
  ['PUT', `/machines/${MAC}`],
  ['PATCH', `/machines/${MAC}`],
  ['POST', `/machines/${MAC}/target`],
  ['POST', '/flash-jobs'],
  ['POST', '/runs'],
] as const;

describe.each(TAKING)('%s %s', (method, path) => {
  it.each([
    ['more than a megabyte', `{"a":"${'x'.repeat(1024 * 1024)}"}`, 413],
    ['what nests deep', nested(1000), 422],
    ['__proto__', '{"__proto__":{"role":"admin"}}', 422],
    ['a nested constructor', '{"a":{"constructor":{"prototype":{"role":"admin"}}}}', 422],
    ['half a document', '{"a":', 422],
    ['an array', '[{"hostname":"lost"}]', 422],
    ['an unknown field', '{"nonsense":1}', 422],
    ['a NUL', '{"hostname":"a\\u0000b","mac":"a\\u0000","username":"a\\u0000"}', 422],
  ])('refuses %s', async (_what, body, status) => {
    const answer = await server.ask(path, { method, body, headers: JSON_TYPE });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      status,
      expect.stringMatching(/^application\/problem\+json/),
    ]);
    expect(answer.text).not.toMatch(/node_modules|\.ts:|SELECT |at \w+ \(/);
  });

  it('refuses content that is not JSON', async () => {
    const answer = await server.ask(path, { method, body: 'hostname=lost', headers: { 'Content-Type': 'text/plain' } });
    expect(answer.status).toBe(422);
  });
});

describe('after all that', () => {
  it('nothing is lost, and nobody has become an admin', async () => {
    expect((await server.ask(`/machines/${MAC}`)).json).toMatchObject({ hostname: 'kept', tags: ['kept'] });
    expect(({} as { role?: string }).role).toBeUndefined();
    const token = await newToken(server, { name: 'viewer', role: 'viewer' });
    expect((await server.ask('/users', { headers: { Authorization: `Bearer ${token}` } })).status).toBe(403);
  });
});

describe('what is not there', () => {
  const ID = '00000000-0000-4000-8000-000000000000';
  it.each([
    ['GET', '/machines/52:54:00:ab:00:99'],
    ['DELETE', '/machines/52:54:00:ab:00:99'],
    ['GET', '/machines/52:54:00:ab:00:99/baseline'],
    ['GET', `/flash-jobs/${ID}`],
    ['POST', `/flash-jobs/${ID}/cancel`],
    ['GET', '/flash-jobs/1'],
    ['GET', "/flash-jobs/'%20OR%201=1--"],
    ['GET', `/runs/${ID}`],
    ['GET', `/tokens/${ID}`],
    ['DELETE', `/tokens/${ID}`],
    ['GET', '/users/nobody'],
    ['DELETE', '/users/__proto__'],
    ['GET', '/images/..%2f..%2fadmin-token'],
    ['GET', '/boot/..%2fadmin-token'],
    ['GET', '/workflows/constructor'],
    ['GET', '/packs/..%2fadmin-token'],
    ['GET', '/nothing'],
  ])('%s %s is 404', async (method, path) => {
    const answer = await server.ask(path, { method });
    expect([answer.status, answer.json.code]).toEqual([404, 'NOT_FOUND']);
  });

  it.each(['/machines/%ff', '/images/%c0%ae%c0%ae', '/flash-jobs/%E0%A4%A', '/users/a%00b'])(
    '%s is no path at all',
    async (path) => {
      const answer = await server.ask(path);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(answer.text).not.toContain('node_modules');
    },
  );
});

describe('a failure of the server', () => {
  it('is told as one, without telling what is inside', async () => {
    await query(server.database, 'ALTER TABLE users RENAME TO users_away');
    const answer = await server.ask('/users');
    expect([answer.status, answer.json.code, answer.json.detail]).toEqual([
      500,
      'INTERNAL',
      'see the log of the server',
    ]);
    expect(answer.text).not.toMatch(/users_away|relation|SELECT/);
    await query(server.database, 'ALTER TABLE users_away RENAME TO users');
    expect((await server.ask('/users')).status).toBe(200);
  });
});
