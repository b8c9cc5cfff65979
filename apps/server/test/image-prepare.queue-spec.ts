import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IMAGE_PREPARE } from '../src/queue/index.js';
import { openQueue } from './open-queue.js';
import { TestServer } from './test-server.js';

/** Takes long enough to be caught in the middle. */
const LARGE = 512 * 1024 * 1024;
let server: TestServer;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function drop(name: string, bytes: Buffer): void {
  writeFileSync(join(server.config.imageRoot, name), bytes);
}

async function ready(name: string, digest: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const images: { name: string; state: string; sha256: string }[] = (await server.ask('/images')).json;
    if (images.some((image) => image.name === name && image.state === 'ready' && image.sha256 === digest)) return;
    await sleep(50);
  }
  throw new Error(`${name} did not become ready: ${(await server.ask(`/images/${name}/info`)).text}`);
}

async function preparations(name: string): Promise<number> {
  const events: { action: string }[] = (await server.ask(`/events?subject=image/${name}`)).json;
  return events.filter(({ action }) => action === 'image.prepared').length;
}

beforeAll(async () => {
  server = await TestServer.start();
});

afterAll(() => server.stop());

describe('images that are put into the image root', () => {
  it('all become ready', async () => {
    const images = Array.from({ length: 10 }, (_, index) => ({
      name: `many-${index}.img`,
      bytes: randomBytes(65_536),
    }));
    for (const { name, bytes } of images) drop(name, bytes);
    for (const { name, bytes } of images) await ready(name, sha256(bytes));
  });

  it('become ready with their last bytes when they are replaced in the middle', async () => {
    const [first, last] = [randomBytes(16 * 1024 * 1024), randomBytes(1024 * 1024)];
    drop('replaced.img', first);
    await server.ask('/images');
    drop('replaced.img', last);
    await ready('replaced.img', sha256(last));
  });

  it('become ready when another server removes their unfinished files in the middle, as its start does', async () => {
    drop('robbed.img', Buffer.alloc(512, 3));
    truncateSync(join(server.config.imageRoot, 'robbed.img'), LARGE);
    const unfinished = () =>
      ['packs', 'maps'].flatMap((kind) =>
        readdirSync(join(server.config.stateDir, kind))
          .filter((name) => name.endsWith('.partial'))
          .map((name) => join(server.config.stateDir, kind, name)),
      );
    await server.ask('/images');
    await expect.poll(() => unfinished().length, { interval: 1 }).toBe(2);
    for (const path of unfinished()) rmSync(path);
    await expect.poll(unfinished, { timeout: 20_000 }).toEqual([]);
    const bytes = Buffer.alloc(LARGE);
    bytes.fill(3, 0, 512);
    await ready('robbed.img', sha256(bytes));
    const events: { action: string }[] = (await server.ask('/events?subject=image/robbed.img')).json;
    expect(events.map(({ action }) => action)).toEqual(['image.prepared', 'image.found']);
  });

  it('become ready after the server was stopped in the middle', async () => {
    const { queue, close } = await openQueue(server, IMAGE_PREPARE);
    drop('stopped.img', Buffer.alloc(512));
    truncateSync(join(server.config.imageRoot, 'stopped.img'), LARGE);
    await server.ask('/images');
    while ((await queue.getActiveCount()) === 0) await sleep(5);
    await close();
    server = await server.restart();
    expect(await preparations('stopped.img')).toBe(0);
    await ready('stopped.img', sha256(Buffer.alloc(LARGE)));
  });
});

describe('an order of the queue', () => {
  it('that is forged, or names an image that is none, is dropped', async () => {
    const { queue, close } = await openQueue(server, IMAGE_PREPARE);
    const forged = [null, 7, 'x', {}, { name: 7 }, { name: '../x.img' }, { name: 'a\n.img' }, { name: ['many-0.img'] }];
    const operator = { name: { '@instanceof': 'FindOperator', _type: 'like', _value: '%' } };
    for (const data of [...forged, operator, { name: 'not-there.img' }]) await queue.add('prepare', data);
    drop('after.img', Buffer.alloc(512, 1));
    await ready('after.img', sha256(Buffer.alloc(512, 1)));
    // the image is ready a moment before its own order has ended
    await expect.poll(() => queue.getJobCountByTypes('wait', 'active', 'failed', 'completed')).toBe(0);
    await close();
  });

  it('that comes many times, to two servers, has one effect', async () => {
    const twin = await server.twin();
    const { queue, close } = await openQueue(server, IMAGE_PREPARE);
    const bytes = randomBytes(4 * 1024 * 1024);
    drop('twice.img', bytes);
    await Promise.all(Array.from({ length: 20 }, () => queue.add('prepare', { name: 'twice.img' })));
    await ready('twice.img', sha256(bytes));
    while ((await queue.getJobCountByTypes('wait', 'active')) > 0) await sleep(20);
    expect(await preparations('twice.img')).toBe(1);
    await close();
    await twin.stop();
  });
});
