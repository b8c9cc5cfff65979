import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawHttp } from './raw-http.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
});

afterAll(() => server.stop());

describe('the token', () => {
  it.each(['Bearer wrong', 'Bearer ', 'Basic YWRtaW46', 'bearer', `Bearer ${'x'.repeat(300)}`])(
    'is not %j',
    async (Authorization) => {
      const answer = await server.ask('/machines', { anonymous: true, headers: { Authorization } });
      expect(answer.status).toBe(401);
    },
  );

  it('is asked for where there is nothing, too', async () => {
    expect((await server.ask('/nothing', { anonymous: true })).status).toBe(401);
    expect((await server.ask('/nothing')).status).toBe(404);
  });

  it('is asked for before a body is', async () => {
    const head = 'PUT /images/a.img HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\nExpect: 100-continue\r\n\r\n';
    const answer = await rawHttp(server.port, head);
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(answer).not.toContain('100 Continue');
  });

  it('lies in a file for its owner alone, and only its hash is in the database', async () => {
    const { mode } = statSync(join(server.config.stateDir, 'admin-token'));
    expect(mode & 0o777).toBe(0o600);
    const rows = await query<{ row: string }>(server.database, 'SELECT api_tokens::text AS row FROM api_tokens');
    expect(rows).toHaveLength(1);
    expect(rows[0]?.row).not.toContain(server.token);
  });
});

describe('every answer', () => {
  it('says nothing about the software, and forbids what a browser should not do with it', async () => {
    const { headers } = await server.ask('/healthz', { anonymous: true });
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
  });

  it.each([
    ['DELETE', '/machines', 'GET, HEAD'],
    ['PATCH', '/flash-jobs', 'GET, HEAD, POST'],
    ['POST', '/machines/52:54:00:00:00:01', 'DELETE, GET, HEAD, PATCH, PUT'],
  ])('to %s %s names the methods that there are', async (method, path, allow) => {
    const answer = await server.ask(path, { method });
    expect([answer.status, answer.headers.get('allow'), answer.json.code]).toEqual([405, allow, 'METHOD_NOT_ALLOWED']);
  });

  it('is a problem with a code when something is wrong', async () => {
    const answer = await server.ask('/machines/52:54:00:00:00:99');
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.json).toEqual({
      type: 'urn:bty:problem:not-found',
      title: 'there is no such thing',
      status: 404,
      detail: 'there is no machine 52:54:00:00:00:99',
      code: 'NOT_FOUND',
      retryable: false,
    });
  });
});

describe('the pages for people', () => {
  it('tells health and version', async () => {
    expect((await server.ask('/healthz', { anonymous: true })).json).toEqual({ status: 'ok' });
    expect((await server.ask('/readyz', { anonymous: true })).json).toEqual({ ready: true, reasons: [] });
    expect((await server.ask('/version', { anonymous: true })).json).toEqual({ version: server.config.version });
  });
});
