import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BtyError } from '@bty/wire-types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeImageServer, type ImageFault } from '../../test/image-server.fake.js';
import { HttpImageSource } from './http-image-source.js';

const MIB = 1024 * 1024;
const image = randomBytes(2 * MIB);
const sha256 = createHash('sha256').update(image).digest('hex');
const never = new AbortController().signal;

let fake: FakeImageServer;
let server: Server;
let source: HttpImageSource;
let retries: string[];

beforeEach(async () => {
  fake = new FakeImageServer(image, sha256);
  server = createServer((request, response) => void fake.answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  retries = [];
  source = newSource({});
});

afterEach(async () => {
  source.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function newSource(more: { sha256?: string; sizeBytes?: number }): HttpImageSource {
  return new HttpImageSource({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/images/x`,
    sizeBytes: image.length,
    sha256,
    authorization: () => 'Bearer abc',
    onRetry: (reason) => void retries.push(reason),
    stallMs: 500,
    backoff: { baseMs: 5, capMs: 20 },
    ...more,
  });
}

async function collect(startBytes = 0, endBytes = image.length, signal = never): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of source.open({ startBytes, endBytes }, signal)) parts.push(part);
  return Buffer.concat(parts);
}

async function failure(endBytes = image.length): Promise<BtyError> {
  const thrown: unknown = await collect(0, endBytes).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(BtyError);
  return thrown as BtyError;
}

describe('an image over HTTP comes whole', () => {
  it.each<[string, ImageFault[]]>([
    ['from a server that behaves', []],
    ['when the connection is cut in the middle', [{ kind: 'cut', afterBytes: 700_001 }]],
    ['when it is cut again and again', Array.from({ length: 6 }, () => ({ kind: 'cut', afterBytes: 99_999 }) as const)],
    ['when it is cut before the first byte', [{ kind: 'cut', afterBytes: 0 }]],
    [
      'when the server answers 503 at first',
      [503, 502, 500, 429].map((status) => ({ kind: 'status', status }) as const),
    ],
    ['when the body stalls', [{ kind: 'stall', afterBytes: 300_000 }]],
    ['when the body ends early without a word', [{ kind: 'short', bytes: 123_457 }]],
  ])('%s', async (_name, faults) => {
    fake.faults.push(...faults);
    expect((await collect()).equals(image)).toBe(true);
    expect(retries).toHaveLength(faults.length);
  });

  it('and resumes at the exact byte, bound to the same image, with the session', async () => {
    fake.faults.push({ kind: 'cut', afterBytes: 65_536 });
    expect((await collect(1000)).equals(image.subarray(1000))).toBe(true);
    const [first, second] = fake.requests;
    expect(first).toEqual({ range: 'bytes=1000-2097151', ifMatch: `"${sha256}"`, authorization: 'Bearer abc' });
    expect(Number(/^bytes=(\d+)-2097151$/.exec(second?.range ?? '')?.[1])).toBeGreaterThan(1000);
    expect(second?.ifMatch).toBe(`"${sha256}"`);
  });

  it('when the server is away for a while', async () => {
    const { port } = server.address() as AddressInfo;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const whole = collect();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    expect((await whole).equals(image)).toBe(true);
    expect(retries[0]).toContain('ECONNREFUSED');
  });
});

describe('an image over HTTP fails', () => {
  it.each<[string, ImageFault, string]>([
    ['at once when it is not there', { kind: 'status', status: 404 }, 'IMAGE_UNAVAILABLE'],
    ['at once when it was changed', { kind: 'status', status: 412 }, 'IMAGE_CHANGED'],
    ['at once when it may not be read', { kind: 'status', status: 401 }, 'UNAUTHENTICATED'],
    ['at once when the range lies beyond it', { kind: 'status', status: 416 }, 'IMAGE_TRUNCATED'],
    ['when it is shorter than the job says', { kind: 'total', totalBytes: image.length - 1 }, 'IMAGE_TRUNCATED'],
    ['when it is longer than the job says', { kind: 'total', totalBytes: image.length + 1 }, 'IMAGE_TOO_LONG'],
    ['when the body goes on after the range', { kind: 'long', extraBytes: 1 }, 'IMAGE_TOO_LONG'],
  ])('%s', async (_name, fault, code) => {
    fake.faults.push(fault);
    expect((await failure()).code).toBe(code);
    expect(fake.requests).toHaveLength(1);
  });

  it('when the body ends early three times at one place', async () => {
    fake.faults.push(
      { kind: 'short', bytes: 1000 },
      ...Array.from({ length: 3 }, () => ({ kind: 'short', bytes: 0 }) as const),
    );
    expect(await failure()).toMatchObject({ code: 'IMAGE_TRUNCATED', details: { offset_bytes: 1000 } });
  });

  it('when the server has another image under the name', async () => {
    source = newSource({ sha256: '0'.repeat(64) });
    expect((await failure()).code).toBe('IMAGE_CHANGED');
  });

  it('with the reason of the signal when it is cancelled, also while it waits for the server', async () => {
    fake.faults.push(...Array.from({ length: 1000 }, () => ({ kind: 'status', status: 503 }) as const));
    const reason = new BtyError('CANCELLED', 'enough');
    const abort = new AbortController();
    setTimeout(() => abort.abort(reason), 50);
    await expect(collect(0, image.length, abort.signal)).rejects.toBe(reason);
  });

  it('with the reason of the signal when it is cancelled in the middle of a body', async () => {
    fake.faults.push({ kind: 'stall', afterBytes: 100_000 });
    const reason = new BtyError('CANCELLED', 'enough');
    const abort = new AbortController();
    setTimeout(() => abort.abort(reason), 100);
    await expect(collect(0, image.length, abort.signal)).rejects.toBe(reason);
  });
});
