import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logIn } from './account-steps.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

const PASSWORD = 'correct horse battery';
let server: TestServer;
let twin: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  twin = await server.twin();
  await server.post('/users', { username: 'eve', password: PASSWORD, role: 'viewer' });
});

afterAll(async () => {
  await twin.stop();
  await server.stop();
});

describe('who guesses', () => {
  it('has no more logins for there being two servers', async () => {
    const statuses: number[] = [];
    for (const at of [server, twin, server, twin, server, twin, server]) {
      statuses.push((await logIn(at, 'eve', 'wrong password')).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const refused = await logIn(twin, 'eve', PASSWORD);
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
  });

  it('begins anew with a right password, at both', async () => {
    await server.post('/users', { username: 'dora', password: PASSWORD, role: 'viewer' });
    for (const at of [server, twin, server, twin]) await logIn(at, 'dora', 'wrong password');
    expect((await logIn(server, 'dora', PASSWORD)).status).toBe(200);
    for (const at of [twin, server, twin, server]) expect((await logIn(at, 'dora', 'wrong password')).status).toBe(401);
  });

  it('is not looked up at one server after wrong tokens at the other, and good tokens go on', async () => {
    const guess = (at: TestServer, index: number) =>
      at.ask('/machines', { headers: { Authorization: `Bearer bty_${String(index).padStart(43, 'x')}` } });
    expect((await twin.ask('/machines')).status).toBe(200);
    for (let index = 0; index < 61; index += 1) await guess(server, index);
    expect((await guess(twin, 99)).status).toBe(429);
    expect((await twin.ask('/machines')).status).toBe(200);
  });

  it('leaves no name in the database, which may have been a password', async () => {
    await logIn(server, PASSWORD, 'eve');
    const rows = await query<{ key: string }>(server.database, 'SELECT key FROM guess_counts');
    expect(rows.length).toBeGreaterThan(3);
    for (const { key } of rows) expect(key).toMatch(/^(address|login|token):[0-9a-f]{64}$/);
  });
});
