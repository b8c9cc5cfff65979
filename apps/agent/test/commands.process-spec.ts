import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expected } from '@bty/image-format';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildGptImage } from '../../../libs/image-format/src/gpt-image.builder.js';
import { packImage } from '../src/engine/packed-image.builder.js';
import { patchwork } from '../src/engine/patchwork.builder.js';
import { BUNDLE } from './built-agent.js';
import { FakeFileServer } from './file-server.fake.js';
import { LoopDisk } from './loop-disk.js';
import { bty, type Ended, SYSTEM_PATH } from './run-bty.js';

const MIB = 1024 * 1024;
const image = buildGptImage({
  sizeBytes: 24 * MIB,
  fill: (bytes) => void patchwork(bytes.length, 21).copy(bytes),
});
const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const sha256 = digestOf(image);

let folder: string;
let disk: LoopDisk;
let server: Server;
let url: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bty-command-'));
  disk = new LoopDisk(randomBytes(30 * MIB));
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  disk.remove();
  rmSync(folder, { recursive: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** An image file in each format. */
function fileOf(format: 'img' | 'img.zst' | 'qcow2'): string {
  const raw = join(folder, 'a.img');
  writeFileSync(raw, image);
  const path = join(folder, `a.${format}`);
  if (format === 'img.zst') execFileSync('zstd', ['-q', '-f', raw, '-o', path]);
  if (format === 'qcow2') execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, path]);
  return path;
}

interface WholeFile {
  file: Buffer;
  answers: number;
  /** After how many bytes the answers that come next are cut off. */
  cutAfter: number[];
  /** The ETags of the answers that come next. */
  versions: string[];
}

/** Lets the server send an image, and never a range of it. */
function serveWhole(format: Parameters<typeof fileOf>[0]): { whole: WholeFile } {
  const file = execFileSync('cat', [fileOf(format)], { maxBuffer: 64 * MIB });
  const whole: WholeFile = { file, answers: 0, cutAfter: [], versions: [] };
  server.on('request', (request, response) => {
    const etag = request.method === 'HEAD' ? '"1"' : (whole.versions.shift() ?? '"1"');
    response.writeHead(200, { 'content-length': file.length, etag });
    if (request.method === 'HEAD') return void response.end();
    whole.answers += 1;
    const cut = whole.cutAfter.shift() || undefined;
    if (cut === undefined) response.end(file);
    else response.write(file.subarray(0, cut), () => setTimeout(() => response.destroy(), 50));
  });
  return { whole };
}

const flashed = (): boolean => disk.content().equals(expected(image, disk.before));
const untouched = (): boolean => disk.content().equals(disk.before);

describe('bty flash', () => {
  it.each(['img', 'img.zst', 'qcow2'] as const)('flashes a %s file, and bty verify agrees', async (format) => {
    const path = fileOf(format);
    const { code, stdout } = await bty(['flash', '--image', path, '--target', disk.path, '--yes', '--json']);
    expect(code).toBe(0);
    expect(flashed()).toBe(true);
    const document = JSON.parse(stdout) as { result: Record<string, number> };
    expect(document).toMatchObject({
      schema_version: '1',
      command: 'flash',
      dry_run: false,
      image: { source: path, content_size_bytes: 24 * MIB },
      target: { path: disk.path },
      result: { verify: 'full', bytes_verified: 25 * MIB, gpt_relocated: true, bytes_skipped: 0 },
    });
    const verified = await bty(['verify', '--image', path, '--target', disk.path, '--json']);
    expect(verified.code).toBe(0);
    expect(JSON.parse(verified.stdout)).toMatchObject({ command: 'verify', equal: true, compared_bytes: 25 * MIB });
  });

  it.each(['img', 'img.zst', 'qcow2'] as const)('flashes a %s at a URL without a map', async (format) => {
    const file = new FakeFileServer(execFileSync('cat', [fileOf(format)], { maxBuffer: 64 * MIB }), 'x'.repeat(64));
    server.on('request', (request, response) => {
      if (request.method !== 'HEAD') return void file.answer(request, response);
      response.writeHead(200, { 'content-length': file.file.length, etag: `"${file.digest}"` }).end();
    });
    file.faults.push({ kind: 'cut', afterBytes: 1000 });
    const { code, stderr } = await bty(['flash', '--image', `${url}/x/a.${format}`, '--target', disk.path, '--yes']);
    expect([code, stderr]).toEqual([0, expect.stringContaining('transfer interrupted')]);
    expect(flashed()).toBe(true);
  });

  it.each(['img', 'img.zst'] as const)('flashes a %s from a server without ranges, in one piece', async (format) => {
    const { whole } = serveWhole(format);
    const image_ = `${url}/a.${format}`;
    const ended = await bty(['flash', '--image', image_, '--target', disk.path, '--yes', '--json']);
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('in one piece')]);
    expect(flashed()).toBe(true);
    expect(whole.answers).toBe(2); // the first was asked for a range
    expect(JSON.parse(ended.stdout)).toMatchObject({ result: { bytes_fetched: whole.file.length } });
    const verified = await bty(['verify', '--image', image_, '--target', disk.path, '--sha256', digestOf(whole.file)]);
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('is equal to the image')]);
  });

  it('reads on where a server without ranges cut it off, as long as that has the same file', async () => {
    const { whole } = serveWhole('img');
    whole.cutAfter.push(0, 9 * MIB + 77, 30_000, 17 * MIB);
    const args = ['flash', '--image', `${url}/a.img`, '--target', disk.path, '--yes'];
    const ended = await bty(args);
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('reading it anew')]);
    expect(flashed()).toBe(true);
    whole.cutAfter.push(0, 9 * MIB);
    whole.versions.push('"1"', '"1"', '"2"');
    expect(await bty(args)).toMatchObject({ code: 1, stderr: expect.stringContaining('another file') });
  });

  it('says why a qcow2 from a server without ranges cannot be flashed', async () => {
    serveWhole('qcow2');
    const ended = await bty(['flash', '--image', `${url}/a.qcow2`, '--target', disk.path, '--yes']);
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/does not serve ranges: download it first/) });
    expect(untouched()).toBe(true);
  });

  it('uses the map that the server links to', async () => {
    const packed = packImage(image);
    const pack = new FakeFileServer(packed.pack, packed.map.pack.digest);
    server.on('request', (request, response) => {
      const link = `</maps/${packed.mapDigest}>; rel="describedby"`;
      if (request.url === '/images/a.img') response.writeHead(200, { link, 'content-length': 9 }).end();
      else if (request.url === `/maps/${packed.mapDigest}`) response.end(packed.bytes);
      else void pack.answer(request, response);
    });
    const args = ['flash', '--image', `${url}/images/a.img`, '--target', disk.path, '--yes', '--sha256', sha256];
    expect((await bty(args)).code).toBe(0);
    expect(flashed()).toBe(true);
    expect(pack.requests.length).toBeGreaterThan(0);
    const verified = await bty(['verify', '--image', `${url}/images/a.img`, '--target', disk.path]);
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('is equal to the image')]);
    const wrong = await bty([...args.slice(0, -1), '0'.repeat(64)]);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining(sha256)]);
  });

  it('tells its progress as pure ndjson', async () => {
    const args = ['flash', '--image', fileOf('img'), '--target', disk.path, '--yes', '--progress', 'ndjson'];
    const { stdout } = await bty(args);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; total_bytes?: number });
    expect(events[0]).toEqual({ event: 'started', total_bytes: 24 * MIB });
    const names = events.map(({ event }) => event).filter((event) => event !== 'progress');
    expect(names).toEqual([
      'started',
      'preparing',
      'comparing',
      'writing',
      'flushing',
      'verifying',
      'committing',
      'synced',
      'partprobed',
      'done',
    ]);
  });

  it('writes nothing on a dry run', async () => {
    const args = ['flash', '--image', fileOf('img'), '--target', disk.path, '--dry-run', '--yes', '--json'];
    const { code, stdout } = await bty(args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ dry_run: true, target: { path: disk.path } });
    expect(untouched()).toBe(true);
  });

  it('finds a corrupt image in mid-write, and leaves a disk that does not boot', async () => {
    const path = fileOf('img.zst');
    const bytes = execFileSync('cat', [path], { maxBuffer: 64 * MIB });
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
    writeFileSync(path, bytes);
    const { code, stdout } = await bty(['flash', '--image', path, '--target', disk.path, '--yes', '--json']);
    expect([code, JSON.parse(stdout)]).toMatchObject([
      1,
      { error: { code: 'IMAGE_INVALID', message: expect.stringContaining('Partial write') } },
    ]);
    expect(disk.headIsZero()).toBe(true);
  });

  it('stopped by SIGINT says so, and leaves no first MiB', async () => {
    const packed = packImage(randomBytes(24 * MIB));
    const pack = new FakeFileServer(packed.pack, packed.map.pack.digest);
    pack.bytesPerSecond = 8 * MIB;
    server.on('request', (request, response) => {
      const link = `</maps/${packed.mapDigest}>; rel="describedby"`;
      if (request.method === 'HEAD') response.writeHead(200, { link, 'content-length': 9 }).end();
      else if (request.url?.startsWith('/maps/') === true) response.end(packed.bytes);
      else void pack.answer(request, response);
    });
    const args = ['flash', '--image', `${url}/a.img`, '--target', disk.path, '--yes'];
    const child = spawn(process.execPath, [BUNDLE, ...args], { cwd: '/', env: { PATH: SYSTEM_PATH } });
    let stderr = '';
    child.stderr.on('data', (text: Buffer) => {
      stderr += text.toString();
      // A second one ends the process at once.
      if (text.toString().includes('writing')) child.kill('SIGINT');
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, stderr]).toEqual([1, expect.stringContaining('Partial write')]);
    expect(disk.headIsZero()).toBe(true);
  });
});

describe('bty flash refuses, and leaves the disk alone:', () => {
  const run = (image_: string, more: string[] = ['--yes'], target = disk.path): Promise<Ended> =>
    bty(['flash', '--image', image_, '--target', target, ...more]);

  it('neither --yes nor --dry-run', async () => {
    const stderr = expect.stringMatching(/^bty: give --yes .*--dry-run .*\n$/);
    expect(await run(fileOf('img'), [])).toMatchObject({ code: 2, stderr });
  });

  it.each([
    ['--verify', 'sometimes'],
    ['--progress', 'loud'],
    ['--sha256', 'abc'],
    ['--provision', 'cijoe'],
  ])('%s %s', async (flag, value) => {
    expect(await run(fileOf('img'), ['--yes', flag, value])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(flag),
    });
  });

  it('an image that is not there', async () => {
    expect((await run(join(folder, 'no.img'))).code).toBe(2);
  });

  it('a disk that is not there, one that is none, and a tool that is missing', async () => {
    const path = fileOf('img');
    expect((await run(path, ['--yes'], '/dev/nothing')).code).toBe(2);
    expect((await run(path, ['--yes'], path)).code).toBe(2);
    const without = await bty(['flash', '--image', path, '--target', disk.path, '--yes'], { PATH: folder });
    expect([without.code, without.stderr]).toEqual([4, expect.stringContaining('not installed')]);
  });

  it('an image of another digest, in a document', async () => {
    const { code, stdout } = await run(fileOf('img.zst'), ['--yes', '--json', '--sha256', '0'.repeat(64)]);
    expect(code).toBe(1);
    const error = expect.objectContaining({ code: 'DIGEST_MISMATCH' });
    expect(JSON.parse(stdout)).toEqual({ schema_version: '1', command: 'flash', dry_run: false, error });
  });

  it.each([
    ['that is cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 9), 'IMAGE_TRUNCATED'],
    ['with bytes after its end', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('junk')]), 'IMAGE_INVALID'],
  ])('an image %s', async (_name, damage, code) => {
    const path = fileOf('img.zst');
    writeFileSync(path, damage(execFileSync('cat', [path], { maxBuffer: 64 * MIB })));
    const ended = await run(path, ['--yes', '--json']);
    expect(ended.code).toBe(1);
    expect((JSON.parse(ended.stdout) as { error: { code: string } }).error.code).toBe(code);
    expect(untouched()).toBe(true);
  });

  it('a disk that is one sector too small, read-only, or mounted: every objection at once', async () => {
    const small = new LoopDisk(Buffer.alloc(24 * MIB - 512), { readOnly: true });
    const ended = await run(fileOf('img'), ['--yes'], small.path);
    small.remove();
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/read-only.*1 sector of 512 bytes too few/) });
  });

  it('a mounted disk', async () => {
    const point = join(folder, 'mount');
    execFileSync('mkdir', [point]);
    execFileSync('mke2fs', ['-q', '-t', 'ext4', disk.path]);
    execFileSync('mount', [disk.path, point]);
    try {
      expect(await run(fileOf('img'))).toMatchObject({ code: 1, stderr: expect.stringContaining('is mounted on') });
    } finally {
      execFileSync('umount', [point]);
    }
    expect(spawnSync('e2fsck', ['-fn', disk.path]).status).toBe(0);
  });

  it.each([0, 512])('nothing of a disk that fits, with %i bytes to spare', async (more) => {
    const fitting = new LoopDisk(randomBytes(24 * MIB + more));
    try {
      expect((await run(fileOf('img'), ['--yes'], fitting.path)).code).toBe(0);
      expect(fitting.content().equals(expected(image, fitting.before))).toBe(true);
    } finally {
      fitting.remove();
    }
  });
});

describe('bty verify', () => {
  it('says where a disk differs: its ranges, and the partitions that they lie in', async () => {
    const content = expected(image, disk.before);
    content[10 * MIB] = (content[10 * MIB] ?? 0) ^ 1;
    content[600] = (content[600] ?? 0) ^ 1;
    const other = new LoopDisk(content);
    const { code, stdout } = await bty(['verify', '--image', fileOf('img'), '--target', other.path, '--json']);
    const after = other.content();
    other.remove();
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      equal: false,
      differing_bytes: 8192,
      ranges: [
        { offset_bytes: 0, length_bytes: 4096 },
        { offset_bytes: 10 * MIB, length_bytes: 4096 },
      ],
      ranges_left_off: 0,
      partitions: [{ number: 1, differing_bytes: 4096 }],
      differing_bytes_outside_partitions: 4096,
    });
    expect(after.equals(content)).toBe(true);
  });
});
