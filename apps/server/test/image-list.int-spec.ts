import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageIn, putImage } from './image-steps.js';
import { TestServer } from './test-server.js';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  await putImage(server, 'b.img', Buffer.alloc(1024, 1));
  await putImage(server, 'c.img', Buffer.alloc(512, 2));
  await putImage(server, 'a.img', Buffer.alloc(512, 3));
  writeFileSync(join(server.config.imageRoot, 'd.qcow2'), 'no image at all');
  await imageIn(server, 'd.qcow2', 'failed');
});

afterAll(() => server.stop());

async function names(search: string): Promise<string> {
  const found: string[] = [];
  for (let path: string | undefined = `/images?${search}`; path !== undefined; ) {
    const answer = await server.ask(path, { anonymous: true });
    expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
    found.push(...(answer.json as { name: string }[]).map(({ name }) => name));
    path = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];
  }
  return found.join(' ');
}

describe('GET /images', () => {
  it.each([
    ['', 'a.img b.img c.img d.qcow2'],
    ['state=ready', 'a.img b.img c.img'],
    ['state=failed', 'd.qcow2'],
    ['format=img&sort=-name', 'c.img b.img a.img'],
    ['format=qcow2&state=ready', ''],
    ['sort=size_bytes&format=img', 'a.img c.img b.img'],
    ['sort=-size_bytes&format=img', 'b.img c.img a.img'],
    ['sort=created_at&state=ready', 'b.img c.img a.img'],
  ])('filters and sorts by %j, over any size of page', async (search, expected) => {
    for (const limit of [1000, 2, 1]) expect(await names(`${search}&limit=${limit}`)).toBe(expected);
  });

  it.each(['sort=sha256', 'state=odd', 'format=iso', 'sort=size_bytes&after=a.img'])('refuses %s', async (search) => {
    expect((await server.ask(`/images?${search}`, { anonymous: true })).status).toBe(422);
  });
});
