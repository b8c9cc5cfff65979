import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expected, MARGIN_BYTES } from '@bty/image-format';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildGptImage } from '../../../libs/image-format/src/gpt-image.builder.js';
import { type PackedImage, packImage } from '../src/engine/packed-image.builder.js';
import { BUNDLE } from './built-agent.js';
import { FakeFileServer } from './file-server.fake.js';

const MIB = 1024 * 1024;
const KILLS = 5;

/** Noise with holes of several chunks. */
const image = buildGptImage({
  sizeBytes: 64 * MIB,
  fill: (bytes) => {
    randomBytes(bytes.length).copy(bytes);
    for (let at = 5 * MIB; at < 60 * MIB; at += 9 * MIB) bytes.fill(0, at, at + 3 * MIB + 70_000);
  },
});

let folder: string;
let device: string;
let server: Server;
let packed: PackedImage;
let pack: FakeFileServer;
let before: Buffer;

beforeEach(async () => {
  folder = mkdtempSync('/dev/shm/bty-kill-');
  before = randomBytes(70 * MIB);
  writeFileSync(join(folder, 'disk'), before);
  device = execFileSync('losetup', ['--find', '--show', join(folder, 'disk')])
    .toString()
    .trim();
  packed = packImage(image);
  pack = new FakeFileServer(packed.pack, packed.map.pack.digest);
  server = createServer((request, response) => {
    const link = `</maps/${packed.mapDigest}>; rel="describedby"`;
    if (request.method === 'HEAD') response.writeHead(200, { link, 'content-length': 9 }).end();
    else if (request.url?.startsWith('/maps/') === true) response.end(packed.bytes);
    else void pack.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  execFileSync('losetup', ['--detach', device]);
  rmSync(folder, { recursive: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function content(): Buffer {
  return execFileSync('cat', [device], { maxBuffer: 128 * MIB });
}

function start(): ChildProcess {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/images/a.img`;
  const args = ['flash', '--image', url, '--target', device, '--yes', '--json', '--progress', 'none'];
  return spawn(process.execPath, [BUNDLE, ...args], { cwd: '/', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; stdout: string }> {
  let stdout = '';
  child.stdout?.on('data', (text: Buffer) => {
    stdout += text.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout };
}

/** Waits until so many bytes of the pack were sent since then. */
async function untilSent(since: number, bytes: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (pack.bytesSent - since < bytes) {
    if (Date.now() > deadline) throw new Error(`only ${pack.bytesSent - since} bytes were sent`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Data chunks of the image between the disk's ends that the disk holds. */
function rightChunks(disk: Buffer): number[] {
  const { map } = packed;
  const chunks = Array.from({ length: map.chunkCount }, (_, chunk) => chunk);
  return chunks.filter((chunk) => {
    const { offsetBytes, lengthBytes } = map.chunkRange(chunk);
    const inBody = offsetBytes >= MARGIN_BYTES && !map.isZero(chunk);
    const end = offsetBytes + lengthBytes;
    return inBody && disk.subarray(offsetBytes, end).equals(image.subarray(offsetBytes, end));
  });
}

/** Chunks whose frames were asked for since the last call. */
function fetchedChunks(): Set<number> {
  const ranges = pack.requests
    .splice(0)
    .map(({ range }) => (/^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []).map(Number));
  const { map } = packed;
  const fetched = new Set<number>();
  for (let chunk = Math.ceil(MARGIN_BYTES / map.chunkBytes); chunk < map.chunkCount; chunk += 1) {
    if (map.isZero(chunk)) continue;
    const { offsetBytes, lengthBytes } = map.frame(chunk);
    // The probe of the line takes a MiB from the middle of the pack, and nothing of it is written.
    const asked = ranges.filter(
      ([, from = 0, to = 0]) => to - from + 1 !== MIB && from <= offsetBytes && offsetBytes + lengthBytes - 1 <= to,
    );
    if (asked.length > 0) fetched.add(chunk);
  }
  return fetched;
}

describe('a flash that is killed at any moment', () => {
  it('leaves a disk that does not boot, and goes on from there without writing anything right again', async () => {
    // Of each connection; the threads have several.
    pack.bytesPerSecond = 16 * MIB;
    let right: number[] = [];
    let cutOff = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const since = pack.bytesSent;
      const child = start();
      const end = ended(child);
      // later each time, for what a busy machine has not taken from the line yet is not on the disk
      await Promise.race([untilSent(since, (3 + Math.random() * 8 + 2 * kill) * MIB), end]);
      child.kill('SIGKILL');
      const { code } = await end;
      const fetched = fetchedChunks();
      expect(right.filter((chunk) => fetched.has(chunk))).toEqual([]);
      const left = content();
      if (code === 0) break;
      const touched = !left.equals(before);
      if (touched) cutOff += 1;
      if (touched) expect(left.subarray(0, MARGIN_BYTES).every((byte) => byte === 0)).toBe(true);
      const now = rightChunks(left);
      expect(now).toEqual(expect.arrayContaining(right));
      right = now;
    }
    expect(cutOff).toBeGreaterThan(1);
    expect(right.length).toBeGreaterThan(0);
    pack.bytesPerSecond = Number.POSITIVE_INFINITY;
    const { code, stdout } = await ended(start());
    expect(code).toBe(0);
    const fetched = fetchedChunks();
    expect(right.filter((chunk) => fetched.has(chunk))).toEqual([]);
    expect(content().equals(expected(image, before))).toBe(true);
    const { result } = JSON.parse(stdout) as { result: Record<string, number> };
    expect(result.bytes_skipped).toBeGreaterThanOrEqual(right.length * packed.map.chunkBytes);
  });
});
