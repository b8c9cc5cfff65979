import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logIn, newToken } from './account-steps.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

const PASSWORD = 'correct horse battery';
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ BTY_ADMIN_PASSWORD: PASSWORD });
});

afterAll(() => server.stop());

async function newUser(username: string, role = 'operator'): Promise<void> {
  expect((await server.post('/users', { username, password: PASSWORD, role })).status).toBe(201);
}

function as(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}

describe('a login', () => {
  it('lets in the admin of BTY_ADMIN_PASSWORD, whose hash alone is kept', async () => {
    const login = await logIn(server, 'admin', PASSWORD);
    expect([login.status, login.json]).toEqual([
      200,
      expect.objectContaining({ name: 'user:admin', role: 'admin', pool: null }),
    ]);
    const me = await server.ask('/auth/me', { headers: as(login.json.token) });
    expect(me.json).toEqual({
      name: 'user:admin',
      role: 'admin',
      pool: null,
      csrf_token: login.json.csrf_token,
    });
    const [row] = await query<{ hash: string }>(server.database, 'SELECT password_hash AS hash FROM users');
    expect(row?.hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it('tells nobody whether the name or the password is wrong, and is throttled', async () => {
    await newUser('eve');
    const wrong = await logIn(server, 'eve', 'wrong password');
    const nobody = await logIn(server, 'nobody', 'wrong password');
    expect([wrong.status, wrong.json]).toEqual([401, nobody.json]);
    const [event] = (await server.ask('/events?subject=user/(unknown)')).json as object[];
    expect(event).toMatchObject({ action: 'user.login-refused', actor: 'user:(unknown)', ip: '127.0.0.1' });
    const tries = await Promise.all(Array.from({ length: 8 }, () => logIn(server, 'eve', 'wrong password')));
    expect(tries.filter(({ status }) => status === 401)).toHaveLength(4);
    const refused = tries.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(4);
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused[0]?.json).toMatchObject({ code: 'TOO_MANY_REQUESTS', retryable: true });
    // not even with the right password, or the throttle would tell that it is
    expect((await logIn(server, 'eve', PASSWORD)).status).toBe(429);
    expect((await logIn(server, 'admin', PASSWORD)).status).toBe(200);
  });

  it('ends with a logout', async () => {
    const { token } = (await logIn(server, 'admin', PASSWORD)).json;
    expect((await server.ask('/auth/logout', { method: 'POST', headers: as(token) })).status).toBe(204);
    expect((await server.ask('/auth/me', { headers: as(token) })).status).toBe(401);
    expect((await server.ask('/auth/logout', { method: 'POST' })).json).toMatchObject({ code: 'CONFLICT' });
  });

  it('gives a browser a cookie, with which changes need the CSRF token', async () => {
    const login = await logIn(server, 'admin', PASSWORD);
    const cookie = login.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^bty_session=btys_[\w-]{43}; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/);
    const headers = { Cookie: cookie.split(';')[0] ?? '' };
    const me = await server.ask('/auth/me', { anonymous: true, headers });
    expect([me.status, me.json.csrf_token]).toEqual([200, login.json.csrf_token]);
    const change = (more: Record<string, string>) =>
      server.ask('/machines/52:54:00:00:00:01', {
        anonymous: true,
        method: 'PUT',
        body: {},
        headers: { ...headers, ...more },
      });
    expect((await change({})).json).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect((await change({ 'X-CSRF-Token': 'guess' })).status).toBe(403);
    expect((await change({ 'X-CSRF-Token': me.json.csrf_token })).status).toBe(201);
  });
});

describe('a user', () => {
  it('is made, shown, changed and removed by an admin, with an event each and no secret in it', async () => {
    await newUser('anna');
    expect((await server.post('/users', { username: 'anna', password: PASSWORD, role: 'viewer' })).status).toBe(409);
    const shown = (await server.ask('/users/anna')).json;
    expect(shown).toMatchObject({ username: 'anna', role: 'operator', enabled: true, last_login_at: null });
    const { token } = (await logIn(server, 'anna', PASSWORD)).json;
    expect((await server.ask('/auth/me', { headers: as(token) })).json.role).toBe('operator');
    const patched = await server.ask('/users/anna', {
      method: 'PATCH',
      body: { role: 'viewer', password: 'another password' },
    });
    expect([patched.status, patched.json.role]).toEqual([200, 'viewer']);
    // what changes a user ends the user's sessions
    expect((await server.ask('/auth/me', { headers: as(token) })).status).toBe(401);
    expect((await logIn(server, 'anna', PASSWORD)).status).toBe(401);
    expect((await logIn(server, 'anna', 'another password')).json.role).toBe('viewer');
    expect((await server.ask('/users/anna', { method: 'DELETE' })).status).toBe(204);
    expect((await server.ask('/users/anna')).status).toBe(404);
    const events = (await server.ask('/events?subject=user/anna')).json as {
      action: string;
      actor: string;
      ip: string;
    }[];
    expect(events.map(({ action }) => action).toReversed()).toEqual([
      'user.created',
      'user.logged-in',
      'user.changed',
      'user.login-refused',
      'user.logged-in',
      'user.removed',
    ]);
    expect(events.at(-1)).toMatchObject({
      actor: 'token:admin',
      ip: '127.0.0.1',
      after: { role: 'operator', enabled: true },
    });
    expect(JSON.stringify(events)).not.toMatch(/argon2|another password/);
  });

  it('is changed only as it was seen, when the change says so', async () => {
    await newUser('dora');
    const seen = (await server.ask('/users/dora')).headers.get('etag') ?? '';
    // a login changes what is shown, but nothing that an admin has set
    await logIn(server, 'dora', PASSWORD);
    const change = (body: object) =>
      server.ask('/users/dora', { method: 'PATCH', body, headers: { 'If-Match': seen } });
    expect((await change({})).status).toBe(200);
    expect((await change({ role: 'viewer' })).status).toBe(200);
    expect((await change({ role: 'admin' })).json).toMatchObject({ status: 412, code: 'PRECONDITION_FAILED' });
    expect((await server.ask('/users/dora')).json.role).toBe('viewer');
  });

  it('changes the own password, which ends the other sessions', async () => {
    await newUser('bert');
    const [here, there] = [(await logIn(server, 'bert', PASSWORD)).json, (await logIn(server, 'bert', PASSWORD)).json];
    const change = (present: string, next: string) =>
      server.post('/auth/password', { present_password: present, new_password: next }, as(here.token));
    expect((await change('wrong', 'a new password')).status).toBe(403);
    expect((await change(PASSWORD, 'short')).status).toBe(422);
    expect((await change(PASSWORD, 'a new password')).status).toBe(204);
    expect((await server.ask('/auth/me', { headers: as(here.token) })).status).toBe(200);
    expect((await server.ask('/auth/me', { headers: as(there.token) })).status).toBe(401);
  });

  it('cannot take its own rights, and does not log in while disabled', async () => {
    const { token } = (await logIn(server, 'admin', PASSWORD)).json;
    for (const ask of [{ method: 'DELETE' }, { method: 'PATCH', body: { role: 'viewer' } }]) {
      expect((await server.ask('/users/admin', { ...ask, headers: as(token) })).status).toBe(409);
    }
    await newUser('carl');
    await server.ask('/users/carl', { method: 'PATCH', body: { enabled: false } });
    expect((await logIn(server, 'carl', PASSWORD)).status).toBe(401);
  });
});

describe('an API token', () => {
  it('is shown once, kept as a hash, and says when it was used', async () => {
    const token = await newToken(server, { name: 'nightly', role: 'ci', pool: 'rack-1' });
    expect(token).toMatch(/^bty_[\w-]{43}$/);
    expect((await server.post('/tokens', { name: 'nightly', role: 'ci' })).status).toBe(409);
    await server.ask('/machines', { headers: as(token) });
    const [listed] = ((await server.ask('/tokens')).json as { name: string }[]).filter(
      ({ name }) => name === 'nightly',
    );
    expect(listed).toMatchObject({ role: 'ci', pool: 'rack-1', created_by: 'token:admin', last_used_ip: '127.0.0.1' });
    expect(JSON.stringify(listed)).not.toContain(token);
    const rows = await query<{ row: string }>(server.database, 'SELECT api_tokens::text AS row FROM api_tokens');
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  it.each([
    [{ name: 'x', role: 'root' }, 'role'],
    [{ name: '../x', role: 'ci' }, 'name'],
    [{ name: 'x', role: 'operator', pool: 'rack-1' }, 'pool'],
    [{ name: 'x', role: 'ci', expires_at: '2001-01-01T00:00:00Z' }, 'expires_at'],
    [{ name: 'x', role: 'ci', expires_at: '2101-01-01' }, 'expires_at'],
  ])('is not made of %j', async (wish, field) => {
    const answer = await server.post('/tokens', wish);
    expect([answer.status, answer.json.fields[0].field]).toEqual([422, field]);
  });

  it('is not valid after it has expired or was revoked', async () => {
    const soon = new Date(Date.now() + 60_000).toISOString();
    const token = await newToken(server, { name: 'short', role: 'viewer', expires_at: soon });
    expect((await server.ask('/machines', { headers: as(token) })).status).toBe(200);
    await query(server.database, `UPDATE api_tokens SET expires_at = now() - interval '1 second' WHERE name = 'short'`);
    // changed elsewhere, which this server sees within a second
    await expect
      .poll(async () => (await server.ask('/machines', { headers: as(token) })).status, { timeout: 5_000 })
      .toBe(401);
    const other = await server.post('/tokens', { name: 'other', role: 'viewer' });
    expect((await server.ask(other.headers.get('location') ?? '', { method: 'DELETE' })).status).toBe(204);
    expect((await server.ask('/machines', { headers: as(other.json.token) })).status).toBe(401);
    const events = (await server.ask('/events?subject=token/other')).json as { action: string }[];
    expect(events.map(({ action }) => action)).toEqual(['token.revoked', 'token.created']);
  });

  it('is revoked together with all others, but the one that asks', async () => {
    const tokens = [
      await newToken(server, { name: 'one', role: 'ci' }),
      await newToken(server, { name: 'two', role: 'ci' }),
    ];
    const answer = await server.ask('/tokens', { method: 'DELETE' });
    expect(answer.json.revoked).toBeGreaterThanOrEqual(2);
    for (const token of tokens) expect((await server.ask('/machines', { headers: as(token) })).status).toBe(401);
    expect((await server.ask('/machines')).status).toBe(200);
  });

  it('is not guessed: many wrong ones from one address are not looked up, while right ones go on working', async () => {
    const guess = async (index: number) =>
      server.ask('/machines', { headers: as(`bty_${String(index).padStart(43, 'x')}`) });
    const statuses = [];
    for (let index = 0; index < 70; index += 1) statuses.push((await guess(index)).status);
    expect(statuses.slice(0, 50).every((status) => status === 401)).toBe(true);
    const last = await guess(99);
    expect([last.status, Number(last.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect((await server.ask('/machines')).status).toBe(200);
  });
});

describe('the admin token', () => {
  it('stays revoked at the next start', async () => {
    const own = await TestServer.start();
    const id = ((await own.ask('/tokens')).json as { id: string }[])[0]?.id;
    expect((await own.ask(`/tokens/${id}`, { method: 'DELETE' })).status).toBe(204);
    const again = await own.restart();
    expect(again.token).not.toBe(own.token);
    expect((await again.ask('/machines', { headers: as(own.token) })).status).toBe(401);
    await again.stop();
  });
});
