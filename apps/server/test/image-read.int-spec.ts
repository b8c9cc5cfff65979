import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newToken } from './account-steps.js';
import { FakeAgent } from './fake-agent.js';
import { newMachine } from './flash-steps.js';
import { putImage } from './image-steps.js';
import { TestServer } from './test-server.js';

let server: TestServer;
let paths: string[];

beforeAll(async () => {
  server = await TestServer.start({ BTY_IMAGE_READ: 'token' });
  const image = await putImage(server, 'debian.img', Buffer.alloc(4096, 1));
  paths = ['/images', '/images/debian.img', '/images/debian.img/info', image.map.path, image.pack.path];
});

afterAll(() => server.stop());

async function statuses(more: { anonymous?: boolean; headers?: Record<string, string> }): Promise<number[]> {
  const answers = await Promise.all(paths.map((path) => server.ask(path, more)));
  return answers.map(({ status }) => status);
}

describe('BTY_IMAGE_READ=token', () => {
  it('closes what tells of images, their maps and their packs to who shows no credential', async () => {
    expect(await statuses({ anonymous: true })).toEqual(paths.map(() => 401));
    const Authorization = `Bearer ${'x'.repeat(43)}`;
    expect(await statuses({ anonymous: true, headers: { Authorization } })).toEqual(paths.map(() => 401));
    const head = await server.ask('/images/debian.img', { anonymous: true, method: 'HEAD' });
    expect([head.status, head.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  });

  it('lets every token read, one that is restricted to a pool as well', async () => {
    const token = await newToken(server, { name: 'look', role: 'viewer', pool: 'rack-1' });
    expect(await statuses({ headers: { Authorization: `Bearer ${token}` } })).toEqual(paths.map(() => 200));
  });

  it('lets an agent read with its session, and nobody after it', async () => {
    const mac = await newMachine(server, { boot_policy: 'tui' });
    const agent = await FakeAgent.boot(server, mac);
    const headers = { Authorization: `Bearer ${agent.session}` };
    expect(await statuses({ anonymous: true, headers })).toEqual(paths.map(() => 200));
    const next = await FakeAgent.boot(server, mac);
    expect(await statuses({ anonymous: true, headers })).toEqual(paths.map(() => 401));
    next.cut();
    agent.cut();
  });

  it('keeps caches from giving to others what they have', async () => {
    const caching = (await server.ask(paths[4] ?? '')).headers.get('cache-control');
    expect(caching).toMatch(/^private, /);
  });
});
