import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChunkDecoder, ImageMap } from '@bty/image-format';
import { blake3 } from '@napi-rs/blake-hash';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent } from './fake-agent.js';
import { newMachine } from './flash-steps.js';
import { imageIn, putImage } from './image-steps.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

const scratch = mkdtempSync(join(tmpdir(), 'bty-prepared-'));
const at = (name: string) => join(scratch, name);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const MAX_BYTES = 64 * 1024 * 1024;
let server: TestServer;

/** A disk with a GPT's signature, text, noise, long and short zeros, and an odd end. */
function disk(seed: number): Buffer {
  const bytes = Buffer.alloc(9 * 1024 * 1024 + 512);
  bytes.write('EFI PART', 512);
  bytes.fill(`disk ${seed}, `, 100_000, 900_000);
  for (let index = 5_000_000; index < 5_500_000; index += 1) bytes[index] = (index * index * seed) >> 7;
  bytes.write('the end', bytes.length - 512);
  return bytes;
}

const FORMATS: Record<string, (raw: string) => Buffer> = {
  img: (raw) => readFileSync(raw),
  'img.zst': (raw) => execFileSync('zstd', ['-3', '-q', '-c', raw], { maxBuffer: MAX_BYTES }),
  qcow2: (raw) => {
    execFileSync('qemu-img', ['convert', '-c', '-O', 'qcow2', raw, at('disk.qcow2')]);
    return readFileSync(at('disk.qcow2'));
  },
};

function fileOf(format: string, bytes: Buffer): Buffer {
  writeFileSync(at('disk.raw'), bytes);
  return FORMATS[format]?.(at('disk.raw')) ?? Buffer.alloc(0);
}

async function bytesOf(path: string): Promise<Buffer> {
  const response = await fetch(`${server.url}${path}`);
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

const stored = (kind: 'packs' | 'maps') => readdirSync(join(server.config.stateDir, kind));

beforeAll(async () => {
  server = await TestServer.start({ BTY_MAX_IMAGE_BYTES: String(MAX_BYTES) });
});

afterAll(async () => {
  await server.stop();
  rmSync(scratch, { recursive: true });
});

describe('an image of any format', () => {
  it.each(Object.keys(FORMATS))('gets a pack and a map: .%s', async (format) => {
    const raw = disk(1);
    const file = fileOf(format, raw);
    const image = await putImage(server, `one.${format}`, file);
    expect(image).toMatchObject({
      format,
      size_bytes: file.length,
      sha256: sha256(file),
      content_size_bytes: raw.length,
      content_sha256: sha256(raw),
      sector_bytes: 512,
      error: null,
    });
    const bytes = await bytesOf(image.map.path);
    expect([bytes.length, blake3(bytes).toString('hex')]).toEqual([image.map.size_bytes, image.map.blake3]);
    const map = ImageMap.parse(bytes);
    expect(map).toMatchObject({
      contentBytes: raw.length,
      sha256: sha256(file),
      contentSha256: sha256(raw),
      sectorBytes: 512,
    });
    expect(map.pack).toEqual({ digest: image.pack.blake3, sizeBytes: image.pack.size_bytes });
    const pack = await bytesOf(image.pack.path);
    expect(blake3(pack).toString('hex')).toBe(map.pack.digest);
    expect(execFileSync('zstd', ['-dcq'], { input: pack, maxBuffer: MAX_BYTES }).equals(raw)).toBe(true);
    const { offsetBytes, lengthBytes } = map.frame(map.chunkCount - 1);
    const tail = Buffer.alloc(map.chunkRange(map.chunkCount - 1).lengthBytes);
    new ChunkDecoder().decode(pack.subarray(offsetBytes, offsetBytes + lengthBytes), tail);
    expect(tail.equals(raw.subarray(-tail.length))).toBe(true);
  });

  it('shares one pack with the same disk in another format, and stays as it was uploaded', async () => {
    const images = await Promise.all(Object.keys(FORMATS).map((format) => imageIn(server, `one.${format}`, 'ready')));
    expect(new Set(images.map(({ pack }) => pack.blake3)).size).toBe(1);
    expect(new Set(images.map(({ map }) => map.blake3)).size).toBe(3);
    expect([stored('packs').length, stored('maps').length]).toEqual([1, 3]);
    const qcow2 = fileOf('qcow2', disk(1));
    await server.ask('/images/one.qcow2', { method: 'DELETE' });
    await putImage(server, 'one.qcow2', qcow2);
    expect((await bytesOf('/images/one.qcow2')).equals(qcow2)).toBe(true);
  });

  it('is taken from the image root as well, also when its size shows at its end only', async () => {
    const raw = disk(2);
    const file = execFileSync('zstd', ['-1', '-q', '-c', '--no-content-size'], { input: raw, maxBuffer: MAX_BYTES });
    writeFileSync(join(server.config.imageRoot, 'dropped.img.zst'), file);
    const image = await imageIn(server, 'dropped.img.zst', 'ready');
    expect(image).toMatchObject({ sha256: sha256(file), content_sha256: sha256(raw), content_size_bytes: raw.length });
  });

  it('has a link to its map', async () => {
    const { map } = await imageIn(server, 'one.img', 'ready');
    for (const method of ['GET', 'HEAD']) {
      const answer = await server.ask('/images/one.img', { method, anonymous: true });
      expect(answer.headers.get('link')).toBe(`<${map.path}>; rel="describedby"`);
    }
  });
});

describe('an image that is none', () => {
  it.each<[string, () => Buffer, string, RegExp]>([
    ['cut.img.zst', () => fileOf('img.zst', disk(3)).subarray(0, -5), 'IMAGE_TRUNCATED', /ended inside|needs bytes/],
    [
      'bomb.img.zst',
      () => execFileSync('sh', ['-c', 'head -c 200000000 /dev/zero | zstd -q -c']),
      'IMAGE_TOO_LONG',
      /there is room for 67108864/,
    ],
    [
      'odd.img.zst',
      () => execFileSync('zstd', ['-qc'], { input: Buffer.alloc(700, 1) }),
      'IMAGE_INVALID',
      /multiple of 512/,
    ],
    [
      'backed.qcow2',
      () => {
        writeFileSync(at('base.raw'), disk(4));
        execFileSync('qemu-img', [
          'create',
          '-q',
          '-f',
          'qcow2',
          '-b',
          at('base.raw'),
          '-F',
          'raw',
          at('backed.qcow2'),
        ]);
        return readFileSync(at('backed.qcow2'));
      },
      'IMAGE_INVALID',
      /backing/,
    ],
    [
      'nested.img.zst',
      () => execFileSync('zstd', ['-qc'], { input: fileOf('qcow2', disk(5)) }),
      'IMAGE_INVALID',
      /qcow2/,
    ],
  ])('says so: %s', async (name, make, code, message) => {
    const file = make();
    expect((await server.put(`/images/${name}`, file)).status).toBe(201);
    const image = await imageIn(server, name, 'failed');
    expect(image.error).toEqual({ code, message: expect.stringMatching(message) });
    expect(image).toMatchObject({ map: null, pack: null, content_size_bytes: null, progress: null });
    expect((await bytesOf(`/images/${name}`)).equals(file)).toBe(true);
    const mac = await newMachine(server, {});
    expect((await server.post('/flash-jobs', { mac, image: name })).status).toBe(422);
  });

  it.each([
    ['a.qcow2', 'no qcow2 file'],
    ['a.img.zst', 'no zstd file'],
  ])('is refused at once when its first bytes tell: %s', async (name, problem) => {
    const answer = await server.put(`/images/${name}`, Buffer.alloc(100_000, 7));
    expect([answer.status, answer.json.code]).toEqual([422, 'IMAGE_INVALID']);
    expect(answer.json.detail).toContain(problem);
    expect((await server.ask(`/images/${name}/info`)).status).toBe(404);
  });
});

describe('a machine whose policy is flash', () => {
  it('waits for its image to be prepared', async () => {
    await query(server.database, `UPDATE images SET state = 'preparing' WHERE name = 'one.img'`);
    const mac = await newMachine(server, { boot_policy: 'flash', image: 'one.img' });
    const agent = await FakeAgent.boot(server, mac);
    expect(agent.received).toEqual([]);
    const { map } = await imageIn(server, 'one.img', 'ready');
    const start = await agent.receive('flash.start');
    expect(start.image.map.blake3).toBe(map.blake3);
    await agent.flash(start);
  });
});

describe('the store', () => {
  it('keeps what an active flash job was told to read, and nothing longer', async () => {
    await putImage(server, 'held.img', disk(6));
    const { map } = await imageIn(server, 'held.img', 'ready');
    const mac = await newMachine(server, { image: 'held.img' });
    await server.post('/flash-jobs', { mac });
    const agent = await FakeAgent.boot(server, mac);
    const start = await agent.receive('flash.start');
    rmSync(join(server.config.imageRoot, 'held.img'));
    await server.ask('/images');
    expect((await server.ask('/images/held.img/info')).status).toBe(404);
    expect((await server.ask(map.path, { anonymous: true })).status).toBe(200);
    await agent.flash(start);
    await server.ask('/images');
    expect((await server.ask(map.path, { anonymous: true })).status).toBe(404);
  });

  it('gets back what was lost from it', async () => {
    const before = await imageIn(server, 'one.img', 'ready');
    rmSync(join(server.config.stateDir, 'packs', before.pack.blake3));
    await server.ask('/images');
    expect(await imageIn(server, 'one.img', 'ready')).toMatchObject({ pack: before.pack, map: before.map });
    expect(stored('packs')).toContain(before.pack.blake3);
  });

  it('loses nothing and leaves nothing half when the server stops in the middle', async () => {
    writeFileSync(
      join(server.config.imageRoot, 'stopped.img'),
      Buffer.concat([disk(7), disk(8).subarray(0, 5_500_416)]),
    );
    await server.ask('/images');
    for (let tries = 0; tries < 200 && !stored('packs').some((name) => name.endsWith('.partial')); tries += 1)
      await sleep(5);
    server = await server.restart();
    expect(stored('packs').filter((name) => name.endsWith('.partial')).length).toBeLessThan(2);
    await imageIn(server, 'stopped.img', 'ready');
    for (const { name, state } of (await server.ask('/images')).json) {
      if (state === 'preparing') await imageIn(server, name, 'ready');
    }
    expect([...stored('packs'), ...stored('maps')].filter((name) => name.startsWith('.'))).toEqual([]);
  }, 90_000);
});

describe('a preparation that takes its time', () => {
  it('shows how far it is, and is given up when the image goes', async () => {
    const slow = await TestServer.start();
    const path = join(slow.config.imageRoot, 'slow.img');
    writeFileSync(path, '');
    truncateSync(path, 64 * 1024 ** 3);
    await slow.ask('/images');
    let image = (await slow.ask('/images/slow.img/info')).json;
    for (let tries = 0; tries < 200 && image.progress === null; tries += 1) {
      await sleep(50);
      image = (await slow.ask('/images/slow.img/info')).json;
    }
    expect(image).toMatchObject({ state: 'preparing', progress: { bytes_total: 64 * 1024 ** 3 } });
    expect(image.progress.bytes_done).toBeGreaterThan(0);
    expect((await slow.ask('/images/slow.img', { method: 'DELETE' })).status).toBe(204);
    const partial = () => readdirSync(join(slow.config.stateDir, 'packs'));
    for (let tries = 0; tries < 100 && partial().length > 0; tries += 1) await sleep(50);
    expect(partial()).toEqual([]);
    await slow.stop();
  });
});

describe('GET /packs/{digest}', () => {
  it('serves ranges of what never changes', async () => {
    const { pack } = await imageIn(server, 'one.img', 'ready');
    const whole = await bytesOf(pack.path);
    const part = await fetch(`${server.url}${pack.path}`, { headers: { Range: 'bytes=1000-70999' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 1000-70999/${whole.length}`]);
    expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(1000, 71_000))).toBe(true);
    expect(part.headers.get('etag')).toBe(`"${pack.blake3}"`);
    expect(part.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    const ask = (headers: Record<string, string>, method = 'GET') =>
      server.ask(pack.path, { anonymous: true, headers, method });
    expect((await ask({ 'If-None-Match': `"${pack.blake3}"` })).status).toBe(304);
    expect((await ask({ 'If-Match': '"x"' })).status).toBe(412);
    expect((await ask({ Range: 'bytes=0-0', 'If-Range': '"x"' })).status).toBe(200);
    expect((await ask({ Range: `bytes=${whole.length}-` })).status).toBe(416);
    expect((await ask({}, 'HEAD')).headers.get('content-length')).toBe(String(whole.length));
  });

  it.each(['/packs/x', `/packs/${'0'.repeat(64)}`, '/maps/..%2f..%2fadmin-token', `/maps/${'A'.repeat(64)}`])(
    'knows no %s',
    async (path) => {
      expect((await server.ask(path, { anonymous: true })).status).toBe(404);
    },
  );
});
