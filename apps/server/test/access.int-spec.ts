import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mayActAs, ROLES, type Role } from '../src/http/role.js';
import { ACCESS_TABLE } from './access-table.js';
import { newToken } from './account-steps.js';
import { FakeAgent, kernelArgument } from './fake-agent.js';
import { TestServer } from './test-server.js';

const MAC = '52:54:00:ac:00:01';
const FOREIGN = '52:54:00:ac:00:02';
/** Nothing that exists, in whatever a path names; so nothing is changed by those who may. */
const NOTHING = 'not%20valid';

let server: TestServer;
let routes: string[];
let asked = 0;
const tokens = {} as Record<Role, string>;

interface Rule {
  readonly role: Role | 'anyone' | 'agent';
  readonly pool: string | undefined;
}

function ruleOf(route: string): Rule {
  const [, role = '', pool] = /^(\w+)(?: (.+))?$/.exec(ACCESS_TABLE[route] ?? '') ?? [];
  return { role: role as Rule['role'], pool };
}

/** What the server says to a request with a credential; the content is nonsense, which is looked at last. */
async function statusOf(route: string, credential: string | undefined, place = NOTHING): Promise<number> {
  const [method = '', path = ''] = route.split(' ');
  asked += 1;
  const response = await fetch(`${server.url}${path.replace(/\{\w+\}/g, place)}`, {
    method,
    headers: {
      // each from another address: whoever shows many wrong credentials is not even looked at
      'X-Forwarded-For': `10.0.${asked >> 8}.${asked & 255}`,
      ...(credential === undefined ? {} : { Authorization: `Bearer ${credential}` }),
      ...(method === 'POST' || method === 'PATCH' ? { 'Content-Type': 'application/json' } : {}),
    },
    ...(method === 'POST' || method === 'PATCH' ? { body: '{"nonsense":true}' } : {}),
  });
  await response.body?.cancel();
  return response.status;
}

beforeAll(async () => {
  server = await TestServer.start({ BTY_TRUSTED_PROXIES: '127.0.0.1' });
  const { paths } = (await server.ask('/openapi.json', { anonymous: true })).json as {
    paths: Record<string, Record<string, unknown>>;
  };
  routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  for (const role of ROLES) tokens[role] = await newToken(server, { name: `a-${role}`, role });
});

afterAll(() => server.stop());

describe('every route', () => {
  it('is in the table, and every entry of the table is a route', () => {
    expect(routes.toSorted()).toEqual(Object.keys(ACCESS_TABLE).toSorted());
  });

  it('asks for a credential, unless the table opens it to anyone', async () => {
    for (const route of routes) {
      const status = await statusOf(route, undefined);
      // a login with nonsense is no login, but it is looked at
      if (ruleOf(route).role === 'anyone') expect([route, status]).not.toEqual([route, 401]);
      else expect([route, status]).toEqual([route, 401]);
    }
  });

  it.each(ROLES)('lets the role %s do what the table says, and nothing else', async (role) => {
    // revokes the other tokens
    const last = 'DELETE /tokens';
    const ordered = [...routes.filter((route) => route !== last), ...(role === 'admin' ? [] : [last])];
    for (const route of ordered) {
      const rule = ruleOf(route);
      const status = await statusOf(route, tokens[role]);
      if (rule.role === 'agent') {
        expect([route, status]).toEqual([route, 401]);
        continue;
      }
      const allowed = rule.role === 'anyone' || mayActAs(role, rule.role);
      if (allowed) expect([401, 403, 500], `${role}: ${route} is ${status}`).not.toContain(status);
      else expect([route, status]).toEqual([route, 403]);
    }
  });

  it('is closed to the credentials of agents unless it is theirs, and the agents’ socket to those of operators', async () => {
    expect((await server.put(`/machines/${MAC}`, { boot_policy: 'tui' })).status).toBe(201);
    const agent = await FakeAgent.boot(server, MAC);
    const script = (await server.ask(`/pxe/${MAC}`, { anonymous: true })).text;
    for (const credential of [agent.session, kernelArgument(script, 'token')]) {
      expect(credential).toMatch(/^[A-Za-z0-9_-]{43}$/);
      for (const route of routes.filter((one) => !['anyone', 'agent'].includes(ruleOf(one).role))) {
        expect([route, await statusOf(route, credential)]).toEqual([route, 401]);
      }
    }
    for (const route of routes.filter((one) => ruleOf(one).role === 'agent')) {
      // An id that cannot be; so far only the session comes.
      expect([route, await statusOf(route, agent.session)]).toEqual([route, route.startsWith('PUT') ? 422 : 404]);
      expect([route, await statusOf(route, kernelArgument(script, 'token'))]).toEqual([route, 401]);
    }
    for (const hello of [{ session: tokens.admin }, { boot_token: tokens.admin, mode: 'tui' }]) {
      const stranger = await FakeAgent.connect(server, MAC);
      stranger.hello(hello);
      expect((await stranger.closed()).code).toBe(4401);
    }
  });
});

describe('the texts for cloud-init', () => {
  it('are for operators: other roles get the record without them', async () => {
    expect((await server.put(`/machines/${MAC}`, { user_data: '#cloud-config\n' })).status).toBe(200);
    for (const role of ROLES) {
      const headers = { Authorization: `Bearer ${tokens[role]}` };
      const shown = (await server.ask(`/machines/${MAC}`, { headers })).json;
      expect([role, shown.user_data]).toEqual([role, mayActAs(role, 'operator') ? '#cloud-config\n' : undefined]);
    }
  });
});

describe('a token that is restricted to a pool', () => {
  it('sees and touches only machines with its tag, and only by routes that look at them', async () => {
    await server.put(`/machines/${MAC}`, { tags: ['rack-1'] });
    expect((await server.put(`/machines/${FOREIGN}`, { tags: ['rack-2'] })).status).toBe(201);
    const token = await newToken(server, { name: 'rack-1', role: 'ci', pool: 'rack-1' });
    const headers = { Authorization: `Bearer ${token}` };
    const seen = (await server.ask('/machines', { headers })).json as { mac: string }[];
    expect(seen.map(({ mac }) => mac)).toEqual([MAC]);
    for (const route of routes) {
      const { role, pool } = ruleOf(route);
      if (role === 'anyone' || role === 'agent' || !mayActAs('ci', role)) continue;
      if (pool === undefined) expect([route, await statusOf(route, token)]).toEqual([route, 403]);
      if (pool === 'machine') expect([route, await statusOf(route, token, FOREIGN)]).toEqual([route, 404]);
    }
    expect((await server.ask(`/machines/${MAC}`, { headers })).status).toBe(200);
    for (const path of ['/flash-jobs', '/runs']) {
      const answer = await server.post(path, { mac: FOREIGN }, headers);
      expect([answer.status, answer.json.detail]).toEqual([404, `there is no machine ${FOREIGN}`]);
    }
  });

  it('adds images, but replaces none', async () => {
    const token = await newToken(server, { name: 'rack-3', role: 'ci', pool: 'rack-3' });
    const put = (fill: number, more: Record<string, string> = {}) =>
      server.put('/images/pool.img', Buffer.alloc(512, fill), { Authorization: `Bearer ${token}`, ...more });
    const added = await put(1);
    expect(added.status).toBe(201);
    expect((await put(2)).status).toBe(409);
    expect((await put(2, { 'If-Match': added.headers.get('etag') ?? '' })).status).toBe(403);
  });
});
