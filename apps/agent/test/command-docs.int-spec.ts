import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packImage } from '../src/engine/packed-image.builder.js';
import { patchwork } from '../src/engine/patchwork.builder.js';
import { FakeFileServer } from './file-server.fake.js';
import { LoopDisk } from './loop-disk.js';
import { bty } from './run-bty.js';

const MIB = 1024 * 1024;
const page = readFileSync(join(import.meta.dirname, '../../../docs/command.md'), 'utf8');
const commands = (/```sh\n([\s\S]*?)```/.exec(page)?.[1] ?? '').trim().split('\n');

let folder: string;
let disk: LoopDisk;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bty-docs-'));
  disk = new LoopDisk(Buffer.alloc(8 * MIB, 0xd1));
});

afterEach(() => {
  disk.remove();
  rmSync(folder, { recursive: true });
});

it('docs/command.md shows commands that work, in their order', async () => {
  const raw = patchwork(4 * MIB, 3);
  writeFileSync(join(folder, 'debian.img'), raw);
  execFileSync('zstd', ['-q', '--rm', join(folder, 'debian.img')]);
  const packed = packImage(raw);
  const pack = new FakeFileServer(packed.pack, packed.map.pack.digest);
  const server = createServer((request, response) => {
    const link = `</maps/${packed.mapDigest}>; rel="describedby"`;
    if (request.url === '/images/debian.img') response.writeHead(200, { link, 'content-length': raw.length }).end();
    else if (request.url === `/maps/${packed.mapDigest}`) response.end(packed.bytes);
    else void pack.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    expect(commands.length).toBeGreaterThanOrEqual(7);
    for (const line of commands) {
      const here = line.replace('/dev/sdb', disk.path).replace('https://server', url);
      const [program, ...args] = here.split(' ');
      expect(program).toBe('bty');
      const ended = await bty(args, { BTY_DISKS: disk.path, BTY_IMAGE_ROOT: folder });
      expect([line, ended.code, ended.stderr]).toEqual([line, 0, expect.any(String)]);
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
  expect(disk.content().subarray(0, raw.length).equals(raw)).toBe(true);
});
