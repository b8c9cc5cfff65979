import { createHash } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageIn, putImage } from './image-steps.js';
import { rawHttp } from './raw-http.js';
import { TestServer } from './test-server.js';

const MAX_BYTES = 8 * 1024 * 1024;
let server: TestServer;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const inRoot = (name: string) => join(server.config.imageRoot, name);
const filled = (size: number, byte: number) => Buffer.alloc(size, byte);

async function info(name: string) {
  return (await server.ask(`/images/${name}/info`, { anonymous: true })).json;
}

const stateOf = (name: string, state: string) => imageIn(server, name, state);

beforeAll(async () => {
  server = await TestServer.start({ BTY_MAX_IMAGE_BYTES: String(MAX_BYTES) });
});

afterAll(() => server.stop());

describe('PUT /images/{name}', () => {
  it('takes an image in, and says what it is', async () => {
    const bytes = filled(70_000 - (70_000 % 512), 7);
    bytes.write('EFI PART', 512);
    const answer = await server.put('/images/new.img', bytes);
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe('/images/new.img');
    expect(answer.headers.get('etag')).toBe(`"${sha256(bytes)}"`);
    expect(answer.json).toMatchObject({
      name: 'new.img',
      format: 'img',
      state: 'preparing',
      size_bytes: bytes.length,
      content_size_bytes: null,
      sha256: sha256(bytes),
      map: null,
      error: null,
    });
    expect(readFileSync(inRoot('new.img')).equals(bytes)).toBe(true);
    const ready = await stateOf('new.img', 'ready');
    expect(ready).toMatchObject({
      size_bytes: bytes.length,
      content_size_bytes: bytes.length,
      sha256: sha256(bytes),
      content_sha256: sha256(bytes),
      sector_bytes: 512,
      progress: null,
      error: null,
    });
    expect((await server.ask('/images', { anonymous: true })).json).toContainEqual(ready);
  });

  it('changes nothing for the same bytes again', async () => {
    const first = await putImage(server, 'same.img', filled(512, 1));
    const second = await server.put('/images/same.img', filled(512, 1));
    expect([second.status, second.json]).toEqual([200, first]);
  });

  it('replaces other bytes only with If-Match', async () => {
    const old = (await server.put('/images/other.img', filled(512, 1))).headers.get('etag') ?? '';
    const refused = await server.put('/images/other.img', filled(512, 2));
    expect([refused.status, refused.json.code, refused.json.details.etag]).toEqual([409, 'CONFLICT', old]);
    const wrong = await server.put('/images/other.img', filled(512, 2), { 'If-Match': `"${'0'.repeat(64)}"` });
    expect([wrong.status, wrong.json.code]).toEqual([412, 'PRECONDITION_FAILED']);
    const replaced = await server.put('/images/other.img', filled(512, 2), { 'If-Match': old });
    expect([replaced.status, replaced.json.sha256]).toEqual([200, sha256(filled(512, 2))]);
    const none = await server.put('/images/not-there.img', filled(512, 2), { 'If-Match': '*' });
    expect(none.status).toBe(412);
    const exists = await server.put('/images/other.img', filled(512, 2), { 'If-None-Match': '*' });
    expect(exists.status).toBe(412);
  });

  it('checks a declared digest', async () => {
    const bytes = filled(1024, 9);
    const header = `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;
    expect((await server.put('/images/declared.img', bytes, { 'Content-Digest': header })).status).toBe(201);
    expect((await server.put(`/images/declared.img?sha256=${sha256(bytes)}`, bytes)).status).toBe(200);
    const wrong = await server.put(`/images/wrong.img?sha256=${'0'.repeat(64)}`, bytes);
    expect([wrong.status, wrong.json.code]).toEqual([422, 'DIGEST_MISMATCH']);
    expect((await server.ask('/images/wrong.img/info')).status).toBe(404);
    for (const query of ['sha256=abc', `sha256=${'0'.repeat(64)}&sha256=${'1'.repeat(64)}`, 'colour=red']) {
      expect((await server.put(`/images/declared.img?${query}`, bytes)).status).toBe(422);
    }
  });

  it.each([
    ['a.iso', 'must end in'],
    ['.a.img', 'begin with a letter'],
    ['a%20b.img', 'letters, digits'],
    ['a%0ab.img', 'letters, digits'],
    ['..%2fa.img', 'letters, digits'],
    [`${'a'.repeat(252)}.img`, '1 to 255'],
  ])('answers 422 for the name %s', async (name, problem) => {
    const answer = await server.put(`/images/${name}`, filled(512, 1));
    expect(answer.status).toBe(422);
    expect(answer.json.fields[0]).toMatchObject({ field: 'name', problem: expect.stringContaining(problem) });
  });

  it('refuses what is no disk image', async () => {
    for (const size of [0, 1, 511, 513]) {
      const answer = await server.put('/images/odd.img', filled(size, 1));
      expect([size, answer.status, answer.json.code]).toEqual([size, 422, 'IMAGE_INVALID']);
    }
  });

  it('refuses more than its cap, announced or not', async () => {
    const announced = await server.put('/images/big.img', filled(MAX_BYTES + 512, 1));
    expect([announced.status, announced.json.code, announced.json.details.max_bytes]).toEqual([
      413,
      'TOO_LARGE',
      MAX_BYTES,
    ]);
    const chunked = await rawHttp(
      server.port,
      `PUT /images/big.img HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\nTransfer-Encoding: chunked\r\n\r\n` +
        `${'80000\r\n'}${'x'.repeat(0x80000)}\r\n`.repeat(17),
      2_000,
    );
    expect(chunked).toMatch(/^HTTP\/1\.1 413 /);
    expect((await server.ask('/images/big.img/info')).status).toBe(404);
  });

  it('refuses before it asks for the body, when the sender waits for that', async () => {
    const head = (length: number) =>
      `PUT /images/cap.img HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\n` +
      `Content-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`;
    const refused = await rawHttp(server.port, head(MAX_BYTES + 512));
    expect(refused).toMatch(/^HTTP\/1\.1 413 /);
    expect(await rawHttp(server.port, head(512))).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    await sleep(100);
  });

  it('leaves nothing of a dropped upload, and takes the next', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(
      `PUT /images/dropped.img HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\n` +
        `Content-Length: 1048576\r\n\r\n${'x'.repeat(500_000)}`,
    );
    for (
      let tries = 0;
      tries < 100 && !readdirSync(server.config.imageRoot).some((name) => name.endsWith('.upload'));
      tries += 1
    ) {
      await sleep(20);
    }
    socket.destroy();
    for (let tries = 0; tries < 100; tries += 1) {
      if (!readdirSync(server.config.imageRoot).some((name) => name.endsWith('.upload'))) break;
      await sleep(20);
    }
    expect(readdirSync(server.config.imageRoot).filter((name) => /upload|dropped/.test(name))).toEqual([]);
    expect((await server.put('/images/dropped.img', filled(512, 1))).status).toBe(201);
  });

  it('lets one of many uploads of a name win, and never mixes them', async () => {
    const candidates = [1, 2, 3, 4, 5, 6].map((byte) => filled(2 * 1024 * 1024, byte));
    const answers = await Promise.all(candidates.map((bytes) => server.put('/images/race.img', bytes)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
    const winner = answers.findIndex(({ status }) => status === 201);
    expect(readFileSync(inRoot('race.img')).equals(candidates[winner] ?? Buffer.alloc(0))).toBe(true);
    expect((await info('race.img')).sha256).toBe(sha256(candidates[winner] ?? Buffer.alloc(0)));
  });

  it('removes what an earlier run left half done', async () => {
    const left = '.0b0f2f5e-0000-4000-8000-000000000000.upload';
    writeFileSync(inRoot(left), 'half');
    server = await server.restart();
    expect(readdirSync(server.config.imageRoot)).not.toContain(left);
    expect((await info('new.img')).state).toBe('ready');
  });
});

describe('the image root', () => {
  it('is the catalogue: what is dropped into it gets its digests', async () => {
    const bytes = filled(1024 * 1024, 3);
    writeFileSync(inRoot('Dropped.IMG'), bytes);
    expect(await stateOf('Dropped.IMG', 'ready')).toMatchObject({
      format: 'img',
      sha256: sha256(bytes),
      content_sha256: sha256(bytes),
      sector_bytes: null,
    });
  });

  it('shows what cannot be flashed, with the reason', async () => {
    writeFileSync(inRoot('disk.qcow2'), 'QFI');
    writeFileSync(inRoot('disk.img.zst'), 'zst');
    writeFileSync(inRoot('odd-size.img'), 'x');
    writeFileSync(inRoot('a name.img'), filled(512, 1));
    expect((await stateOf('disk.qcow2', 'failed')).error).toMatchObject({ code: 'IMAGE_INVALID' });
    expect((await stateOf('disk.img.zst', 'failed')).format).toBe('img.zst');
    expect((await stateOf('odd-size.img', 'failed')).error).toMatchObject({ message: expect.stringContaining('512') });
    expect((await stateOf('a%20name.img', 'unsupported')).error).toMatchObject({
      message: expect.stringContaining('name'),
    });
    expect((await server.ask('/images/disk.qcow2', { anonymous: true })).status).toBe(409);
  });

  it('shows no links, directories, hidden files or other things', async () => {
    symlinkSync('/etc/passwd', inRoot('passwd.img'));
    symlinkSync(inRoot('new.img'), inRoot('link.img'));
    mkdirSync(inRoot('directory.img'));
    writeFileSync(inRoot('.hidden.img'), filled(512, 1));
    writeFileSync(inRoot('readme.txt'), 'text');
    const names = (await server.ask('/images', { anonymous: true })).json.map(({ name }: { name: string }) => name);
    expect(names).toEqual([...names].sort());
    expect(names).not.toEqual(expect.arrayContaining(['passwd.img']));
    for (const name of ['passwd.img', 'link.img', 'directory.img', '.hidden.img', 'readme.txt']) {
      expect([name, names.includes(name)]).toEqual([name, false]);
      expect((await server.ask(`/images/${name}`, { anonymous: true })).status).toBe(404);
    }
  });

  it('is never served under the ETag of other bytes', async () => {
    await putImage(server, 'swap.img', filled(512, 1));
    writeFileSync(inRoot('swapped'), filled(512, 2));
    renameSync(inRoot('swapped'), inRoot('swap.img'));
    const during = await server.ask('/images/swap.img', { anonymous: true });
    expect([during.status, during.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await stateOf('swap.img', 'ready')).toMatchObject({ sha256: sha256(filled(512, 2)) });

    appendFileSync(inRoot('swap.img'), filled(512, 3));
    expect((await server.ask('/images/swap.img', { anonymous: true })).status).toBe(503);
    expect(await stateOf('swap.img', 'ready')).toMatchObject({ size_bytes: 1024 });

    utimesSync(inRoot('swap.img'), 1, 1);
    expect((await server.ask('/images/swap.img', { anonymous: true })).status).toBe(503);
    await stateOf('swap.img', 'ready');

    unlinkSync(inRoot('swap.img'));
    symlinkSync('/etc/passwd', inRoot('swap.img'));
    expect((await server.ask('/images/swap.img', { anonymous: true })).status).toBe(404);
    expect((await server.ask('/images/swap.img/info', { anonymous: true })).status).toBe(404);
  });
});

describe('GET /images/{name}', () => {
  const bytes = Buffer.from(Array.from({ length: 2048 }, (_, index) => index % 251));
  const get = (headers: Record<string, string> = {}, method = 'GET') =>
    server.ask('/images/ranged.img', { anonymous: true, headers, method });

  beforeAll(async () => {
    await server.put('/images/ranged.img', bytes);
  });

  it('serves one range', async () => {
    const part = await get({ Range: 'bytes=100-199' });
    expect([part.status, part.headers.get('content-range'), part.headers.get('content-length')]).toEqual([
      206,
      'bytes 100-199/2048',
      '100',
    ]);
    const whole = await get();
    expect([whole.status, whole.headers.get('content-length'), whole.headers.get('accept-ranges')]).toEqual([
      200,
      '2048',
      'bytes',
    ]);
    expect(whole.headers.get('etag')).toBe(`"${sha256(bytes)}"`);
  });

  it('honours conditions', async () => {
    const etag = `"${sha256(bytes)}"`;
    expect((await get({ 'If-None-Match': etag })).status).toBe(304);
    expect((await get({ 'If-Match': '"x"' })).status).toBe(412);
    expect((await get({ Range: 'bytes=0-0', 'If-Range': etag })).status).toBe(206);
    expect((await get({ Range: 'bytes=0-0', 'If-Range': '"x"' })).status).toBe(200);
    const outside = await get({ Range: 'bytes=2048-' });
    expect([outside.status, outside.headers.get('content-range')]).toEqual([416, 'bytes */2048']);
  });

  it('gives the headers alone to HEAD', async () => {
    const head = await get({ Range: 'bytes=0-0' }, 'HEAD');
    expect([head.status, head.headers.get('content-length'), head.text]).toEqual([200, '2048', '']);
  });

  it.each([
    'bytes=0-0,1-1',
    `bytes=${'0-0,'.repeat(500)}1-1`,
    'bytes=-1-5',
    'bytes=5-2',
    'bytes=99999999999999999999999-',
    'bytes=-99999999999999999999999',
    'bytes=0x10-0x20',
    'bytes=1e1-20',
    'items=0-5',
    'bytes=\t0-1',
    'bytes=0-1;x',
  ])('never gives a byte from outside for Range: %s', async (range) => {
    const answer = await rawHttp(
      server.port,
      `GET /images/ranged.img HTTP/1.1\r\nHost: x\r\nRange: ${range}\r\nConnection: close\r\n\r\n`,
    );
    const body = Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1');
    const status = Number(answer.split(' ')[1]);
    if (status === 200) expect(body.equals(bytes)).toBe(true);
    else if (status === 206) expect(bytes.includes(body)).toBe(true);
    else expect(status).toBe(416);
  });

  it.each([
    '/images/..%2f..%2fadmin-token',
    '/images/%2e%2e/admin-token',
    '/images/../admin-token',
    '/images//etc/passwd',
    '/images/%2fetc%2fpasswd',
    '/images/ranged.img%00.txt',
    '/images/ranged.img/',
    '/images/.',
  ])('never gives a file from outside for %s', async (path) => {
    const answer = await rawHttp(server.port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(answer).not.toContain(server.token);
    expect(answer).not.toContain('root:');
    expect(answer).toMatch(path === '/images/ranged.img/' ? /^HTTP\/1\.1 (200|401) / : /^HTTP\/1\.1 (401|404) /);
  });
});

describe('DELETE /images/{name}', () => {
  it('removes the file and the entry, once', async () => {
    const { headers } = await server.put('/images/gone.img', filled(512, 1));
    const other = { method: 'DELETE', headers: { 'If-Match': '"x"' } };
    expect((await server.ask('/images/gone.img', other)).status).toBe(412);
    const same = { method: 'DELETE', headers: { 'If-Match': headers.get('etag') ?? '' } };
    expect((await server.ask('/images/gone.img', same)).status).toBe(204);
    expect(readdirSync(server.config.imageRoot)).not.toContain('gone.img');
    expect((await server.ask('/images/gone.img', { method: 'DELETE' })).status).toBe(404);
  });

  it('is refused, like a replacement, while an active flash job writes the image', async () => {
    const { headers } = await server.put('/images/busy.img', filled(512, 1));
    await stateOf('busy.img', 'ready');
    await server.put('/machines/52:54:00:00:00:01', { image: 'busy.img' });
    const job = (await server.post('/flash-jobs', { mac: '52:54:00:00:00:01' })).json;
    const refused = await server.ask('/images/busy.img', { method: 'DELETE' });
    expect([refused.status, refused.json.code, refused.json.details.job_id]).toEqual([409, 'IN_USE', job.id]);
    const etag = headers.get('etag') ?? '';
    const replaced = await server.put('/images/busy.img', filled(512, 2), { 'If-Match': etag });
    expect([replaced.status, replaced.json.code]).toEqual([409, 'IN_USE']);
    await server.post(`/flash-jobs/${job.id}/cancel`, undefined);
    expect((await server.put('/images/busy.img', filled(512, 2), { 'If-Match': etag })).status).toBe(200);
  });
});
