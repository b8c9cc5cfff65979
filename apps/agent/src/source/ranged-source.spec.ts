import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BtyError } from '@bty/wire-types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failure } from '../../test/failure.js';
import { FakeFileServer, type FileFault } from '../../test/file-server.fake.js';
import { fetchInto } from '../engine/frame-source.js';
import { RangedSource } from './ranged-source.js';

const file = randomBytes(2 * 1024 * 1024);
const digest = createHash('sha256').update(file).digest('hex');
const never = new AbortController().signal;

let fake: FakeFileServer;
let server: Server;
let connections: number;
let retries: string[];
let source: RangedSource;

beforeEach(async () => {
  fake = new FakeFileServer(file, digest);
  server = createServer((request, response) => void fake.answer(request, response));
  connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  retries = [];
  source = newSource();
});

afterEach(async () => {
  source.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function newSource(more: { etag?: string; stallMs?: number } = {}): RangedSource {
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/packs/x?y=1`;
  const pack = { url, what: 'the pack', sizeBytes: file.length, etag: more.etag ?? `"${digest}"` };
  return new RangedSource(pack, {
    authorization: () => 'Bearer abc',
    onRetry: (reason) => void retries.push(reason),
    stallMs: more.stallMs ?? 300,
    backoff: { baseMs: 5, capMs: 20 },
  });
}

async function fetchAll(from = 0, signal = never): Promise<Buffer> {
  const bytes = Buffer.alloc(file.length - from);
  await fetchInto(source, from, bytes, signal);
  return bytes;
}

describe('a part of a pack comes whole', () => {
  it.each<[string, FileFault[]]>([
    ['from a server that behaves', []],
    ['when the connection is cut in the middle', [{ kind: 'cut', afterBytes: 700_001 }]],
    ['when it is cut again and again', Array.from({ length: 6 }, () => ({ kind: 'cut', afterBytes: 99_999 }) as const)],
    ['when it is cut before the first byte', [{ kind: 'cut', afterBytes: 0 }]],
    [
      'when the server answers 503 at first',
      [503, 502, 500, 429].map((status) => ({ kind: 'status', status }) as const),
    ],
    ['when the body stalls', [{ kind: 'stall', afterBytes: 300_000 }]],
  ])('%s', async (_name, faults) => {
    fake.faults.push(...faults);
    const bytes = await fetchAll();
    expect(bytes.equals(file)).toBe(true);
    expect(retries).toHaveLength(faults.length);
  });

  it('and resumes at the exact byte, bound to the same pack, with the session', async () => {
    fake.faults.push({ kind: 'cut', afterBytes: 65_536 });
    expect((await fetchAll(1000)).equals(file.subarray(1000))).toBe(true);
    const [first, second] = fake.requests;
    expect(first).toEqual({ range: 'bytes=1000-2097151', ifMatch: `"${digest}"`, authorization: 'Bearer abc' });
    expect(Number(/^bytes=(\d+)-2097151$/.exec(second?.range ?? '')?.[1])).toBeGreaterThan(1000);
    expect(second?.ifMatch).toBe(`"${digest}"`);
  });

  it('when the server is away for a while', async () => {
    const { port } = server.address() as AddressInfo;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const whole = fetchAll();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    expect((await whole).equals(file)).toBe(true);
    expect(retries[0]).toContain('ECONNREFUSED');
  });

  it('over one connection, as long as one part is asked for at a time', async () => {
    for (let at = 0; at < file.length; at += 300_000) {
      const part = Buffer.alloc(Math.min(300_000, file.length - at));
      await fetchInto(source, at, part, never);
      expect(part.equals(file.subarray(at, at + part.length))).toBe(true);
    }
    expect(connections).toBe(1);
  });

  it('for all who ask at once', async () => {
    const parts = Array.from({ length: 5 }, (_, index) => ({ at: index * 100_000, bytes: Buffer.alloc(250_000) }));
    await Promise.all(parts.map(({ at, bytes }) => fetchInto(source, at, bytes, never)));
    for (const { at, bytes } of parts) expect(bytes.equals(file.subarray(at, at + 250_000))).toBe(true);
  });

  it('without a word of an idle connection that the server has closed', async () => {
    fake.faults.push({ kind: 'hang-up' });
    await fetchInto(source, 0, Buffer.alloc(1000), never);
    await fetchInto(source, 1000, Buffer.alloc(1000), never);
    expect(retries).toEqual([]);
    expect(connections).toBe(2);
  });

  it('when the server says more than it announced, over a fresh connection', async () => {
    fake.faults.push({ kind: 'long', extraBytes: 7 });
    await fetchInto(source, 0, Buffer.alloc(1000), never);
    const part = Buffer.alloc(1000);
    await fetchInto(source, 5000, part, never);
    expect(part.equals(file.subarray(5000, 6000))).toBe(true);
  });
});

describe('a part of a pack fails', () => {
  it.each<[string, FileFault, string]>([
    ['at once when it is not there', { kind: 'status', status: 404 }, 'IMAGE_UNAVAILABLE'],
    ['at once when it was changed', { kind: 'status', status: 412 }, 'IMAGE_CHANGED'],
    ['at once when it may not be read', { kind: 'status', status: 401 }, 'UNAUTHENTICATED'],
    ['at once when the range lies beyond it', { kind: 'status', status: 416 }, 'IMAGE_TRUNCATED'],
    ['at once when the server sends it elsewhere', { kind: 'status', status: 302 }, 'IMAGE_UNAVAILABLE'],
    ['when it is shorter than the map says', { kind: 'total', totalBytes: file.length - 1 }, 'IMAGE_TRUNCATED'],
    ['when it is longer than the map says', { kind: 'total', totalBytes: file.length + 1 }, 'IMAGE_TOO_LONG'],
    ['when another range comes', { kind: 'shifted', bytes: -1 }, 'IMAGE_UNAVAILABLE'],
    ['when the server knows no ranges', { kind: 'whole' }, 'IMAGE_UNAVAILABLE'],
    ['when the answer does not tell its length', { kind: 'chunked' }, 'IMAGE_UNAVAILABLE'],
  ])('%s', async (_name, fault, code) => {
    fake.faults.push(fault);
    const bytes = Buffer.alloc(1000);
    expect((await failure(fetchInto(source, 1000, bytes, never))).code).toBe(code);
    expect(fake.requests).toHaveLength(1);
  });

  it('when the server has another pack under the name', async () => {
    source = newSource({ etag: `"${'0'.repeat(64)}"` });
    expect((await failure(fetchAll())).code).toBe('IMAGE_CHANGED');
  });

  it.each<[string, FileFault[]]>([
    ['while it waits for the server', Array.from({ length: 1000 }, () => ({ kind: 'status', status: 503 }) as const)],
    ['in the middle of a body', [{ kind: 'stall', afterBytes: 100_000 }]],
  ])('with the reason of the signal when it is cancelled %s', async (_name, faults) => {
    fake.faults.push(...faults);
    source = newSource({ stallMs: 5000 });
    const reason = new BtyError('CANCELLED', 'enough');
    const abort = new AbortController();
    setTimeout(() => abort.abort(reason), 50);
    await expect(fetchAll(0, abort.signal)).rejects.toBe(reason);
  });
});
