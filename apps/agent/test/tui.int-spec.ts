import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { expected } from '@bty/image-format';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildGptImage } from '../../../libs/image-format/src/gpt-image.builder.js';
import { packImage } from '../src/engine/packed-image.builder.js';
import { patchwork } from '../src/engine/patchwork.builder.js';
import { BUNDLE } from './built-agent.js';
import { FakeFileServer } from './file-server.fake.js';
import { LoopDisk } from './loop-disk.js';
import { DROP_ROOT } from './run-bty.js';
import { shellLine, TmuxTerminal } from './tmux-terminal.js';
import { toConfirmation } from './tui-steps.js';

const MIB = 1024 * 1024;
const RULE = '-'.repeat(79);
const MAC = '52:54:00:00:00:01';
const image = buildGptImage({
  sizeBytes: 24 * MIB,
  fill: (bytes) => void patchwork(bytes.length, 21).copy(bytes),
});

let folder: string;
let disk: LoopDisk;
let terminal: TmuxTerminal | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bty-tui-'));
  mkdirSync(join(folder, 'images'));
  writeFileSync(join(folder, 'images/box.img'), image);
  writeFileSync(join(folder, 'images/other.qcow2'), 'no qcow2');
  disk = new LoopDisk(Buffer.alloc(30 * MIB, 0xd1));
});

afterEach(() => {
  terminal?.close();
  terminal = undefined;
  disk.remove();
  rmSync(folder, { recursive: true });
});

function open(...more: string[]): TmuxTerminal {
  const source = more.length > 0 ? more : ['--image-root', join(folder, 'images')];
  terminal = new TmuxTerminal(shellLine([process.execPath, BUNDLE, 'tui', '--disk', disk.path, ...source]));
  return terminal;
}

/** A screen with what differs from run to run replaced: the loop device's number, the folder. */
function settled(screen: string): string {
  const spare = ' '.repeat(disk.path.length - '/dev/loopN'.length);
  return screen
    .replace(new RegExp(`${disk.path}( {3,})`), `/dev/loopN${spare}$1`)
    .replaceAll(disk.path, '/dev/loopN')
    .replaceAll(basename(disk.path), 'loopN')
    .replaceAll(folder, 'FOLDER');
}

/** A screen of 80 by 24: title and origin above, then the page, then notice and keys. */
function screenOf(title: string, step: string, page: string[], keys: string, notice = ''): string {
  const head = `bty 0.1.0   ${title}`.padEnd(79 - step.length) + step;
  const rows = Array.from({ length: 18 }, (_row, index) => page[index] ?? '');
  return [head.trimEnd(), 'Images in FOLDER/images', RULE, ...rows, notice, RULE, keys].join('\n');
}

describe('bty tui in a terminal of 80 by 24', () => {
  it('leads from the image to a disk that is proved equal to it', async () => {
    const at = open();
    expect(settled(await at.shows('> box.img'))).toBe(
      screenOf(
        'Which image?',
        '1/4',
        [
          '> box.img        25.2 MB  for a disk of  25.2 MB',
          '  other.qcow2  NOT USABLE: other.qcow2: named .qcow2, but it is no qcow2 file',
        ],
        'Up/Down move   Enter choose   r read again   q quit',
      ),
    );
    at.press('Enter');
    expect(settled(await at.shows('> /dev/loop'))).toBe(
      screenOf(
        'Which disk?',
        '2/4',
        [
          '> /dev/loopN       31.5 MB  other  no model  no serial',
          '',
          'On /dev/loopN now:',
          '  nothing that bty knows',
        ],
        'Up/Down move   Enter choose   Esc back   r look again   q quit',
      ),
    );
    at.press('Enter');
    expect(settled(await at.shows('> none'))).toBe(
      screenOf(
        'How is the flashed system configured?',
        '3/4',
        [
          '> none        the disk becomes the image, and nothing else',
          '  cloud-init  a user-data file is laid down for the first boot',
          '  cijoe       a workflow works on the file systems of the disk',
        ],
        'Up/Down move   Enter choose   Esc back',
      ),
    );
    at.press('Enter');
    expect(settled(await at.shows('To overwrite this disk'))).toBe(
      screenOf(
        'Is this right?',
        '4/4',
        [
          'Image       box.img  img  25.2 MB',
          '            disk size  25.2 MB, sectors of 512 bytes',
          '            GPT, 1 partition',
          '             1   25.1 MB',
          'Disk        /dev/loopN  no model  no serial  31.5 MB  other',
          'On it now   nothing that bty knows',
          'Changes     no partition is lost',
          '            the first 25.2 MB become the image',
          '            the 5.2 MB after it stay as they are',
          '            the last MiB is wiped, the backup of a GPT moves there',
          '            nothing is provisioned',
          '',
          'To overwrite this disk, type its name, loopN, and press Enter:',
          ': _',
        ],
        'Enter overwrite the disk   Esc back',
      ),
    );
    at.type('yes');
    at.press('Enter');
    await at.shows('to write this disk, or go back with Esc.');
    expect(disk.content().equals(disk.before)).toBe(true);
    at.press('BSpace', 'BSpace', 'BSpace');
    at.type(basename(disk.path));
    at.press('Enter');
    const done = settled(await at.shows('Enter flash another')).replace(/\d+ s$|[\d.]+ k?M?B(?=, |$)/gm, 'N');
    expect(done).toBe(
      screenOf(
        'Done',
        '',
        [
          '/dev/loopN  no model  no serial',
          'now holds box.img, read back and compared: 26.2 MB.',
          '',
          'written N, zeroed N, right already N',
          'took N',
        ],
        'Enter flash another   q quit',
      ),
    );
    expect(disk.content().equals(expected(image, disk.before))).toBe(true);
    at.press('q');
    await at.shows('ended with 0');
    expect(at.screen()).not.toContain('bty 0.1.0');
  });

  it('draws itself anew when the window changes', async () => {
    const at = open();
    await at.shows('> box.img');
    at.resize(100, 30);
    const wide = (await at.shows(/^-{99}$/m)).split('\n');
    expect([wide.length, wide[3], wide[29]]).toEqual([
      30,
      '> box.img        25.2 MB  for a disk of  25.2 MB',
      'Up/Down move   Enter choose   r read again   q quit',
    ]);
    at.resize(50, 12);
    await at.shows('This window is too small: 50x12.');
    at.resize(80, 24);
    expect((await at.shows('> box.img')).split('\n')).toHaveLength(24);
  });

  it('calls the key that leaves by what stands behind, and shows a notice until the first key', async () => {
    const images = ['--image-root', join(folder, 'images')];
    const at = open(...images, '--quit-to', 'root shell', '--notice', 'This stick has room for more');
    expect((await at.shows('> box.img')).split('\n').slice(-3)).toEqual([
      'This stick has room for more',
      RULE,
      'Up/Down move   Enter choose   r read again   q root shell',
    ]);
    at.press('Down');
    expect(await at.shows('> other.qcow2')).not.toContain('This stick');
    at.press('Up', 'Enter');
    expect(await at.shows('> /dev/loop')).toMatch(/r look again {3}q root shell$/);
    at.press('q');
    await at.shows('ended with 0');
  });

  it('goes back with Escape, and ends with Ctrl-C and nothing written', async () => {
    const at = open();
    await toConfirmation(at, 'box.img');
    at.press('Escape');
    await at.shows('Which disk?');
    at.press('Escape');
    await at.shows('Which image?');
    at.press('C-c');
    await at.shows('ended with 0');
    expect(disk.content().equals(disk.before)).toBe(true);
  });

  it('says of a disk in use what uses it, and goes no further', async () => {
    execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'KEEP', disk.path]);
    const point = join(folder, 'mnt');
    mkdirSync(point);
    execFileSync('mount', [disk.path, point]);
    try {
      const at = open();
      await at.shows('> box.img');
      at.press('Enter');
      const screen = settled(await at.shows('> /dev/loop'));
      expect(screen).toContain(
        '  the whole disk: ext4  "KEEP"\nNot a target: in use: /dev/loopN is mounted on FOLDER/mnt',
      );
      at.press('Enter');
      await at.shows('It cannot be written: in use:');
    } finally {
      execFileSync('umount', [point]);
    }
  });

  it('lays down user-data, and says when there is none at the path', async () => {
    const at = open();
    await at.shows('> box.img');
    at.press('Enter');
    await at.shows('> /dev/loop');
    at.press('Enter');
    await at.shows('> none');
    at.press('Down', 'Enter');
    await at.shows('Path of the user-data file:');
    at.type('/nowhere/user-data');
    at.press('Enter');
    const screen = await at.shows('This cannot be done');
    expect(screen).toContain('/nowhere/user-data cannot be read: ENOENT');
  });

  it('lets a user who is not root look around, and no more', async () => {
    const place = join(folder, 'bundle');
    cpSync(dirname(BUNDLE), place, { recursive: true });
    chmodSync(folder, 0o755);
    const source = ['--disk', disk.path, '--image-root', join(folder, 'images')];
    const words = [process.execPath, '--import', DROP_ROOT, join(place, basename(BUNDLE)), 'tui', ...source];
    terminal = new TmuxTerminal(shellLine(words));
    expect(await terminal.shows('> box.img')).toContain('You are not root: you can look around, and write nothing.');
    terminal.press('Enter');
    expect(await terminal.shows('> /dev/loop')).toMatch(/only root may look at/);
    terminal.press('Enter');
    await terminal.shows('Only root may write a disk. Leave with q, then: sudo bty tui');
    expect(disk.content().equals(disk.before)).toBe(true);
  });
});

describe('bty tui with a server', () => {
  let server: Server;
  let url: string;
  let pack: FakeFileServer;
  const asked: string[] = [];

  beforeEach(async () => {
    asked.length = 0;
    const content = Buffer.from(image);
    randomBytes(16 * MIB).copy(content, 4 * MIB);
    const packed = packImage(content);
    pack = new FakeFileServer(packed.pack, packed.map.pack.digest);
    const known = { size_bytes: 999, sha256: createHash('sha256').digest('hex'), error: null };
    const catalogue = [
      { ...known, name: 'box.img', content_size_bytes: 24 * MIB, state: 'ready' },
      { ...known, name: 'new.img', content_size_bytes: null, state: 'preparing' },
    ];
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const link = `</maps/${packed.mapDigest}>; rel="describedby"`;
      if (request.url === '/images')
        response.setHeader('link', '</images?after=box.img>; rel="next"').end(JSON.stringify(catalogue.slice(0, 1)));
      else if (request.url === '/images?after=box.img') response.end(JSON.stringify(catalogue.slice(1)));
      else if (request.url === '/images/box.img') response.writeHead(200, { link, 'content-length': 9 }).end();
      else if (request.url === `/maps/${packed.mapDigest}`) response.end(packed.bytes);
      else if (request.method === 'POST') response.end('{}');
      else void pack.answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("lists the server's images, flashes by their map, and signals that it is done", async () => {
    const at = open('--server', url, '--mac', MAC);
    const list = await at.shows('new.img');
    expect(list).toContain(`Server ${url}`);
    expect(list).toContain('  new.img  NOT USABLE: the server is not done with it: preparing');
    await toConfirmation(at, 'box.img');
    at.type(basename(disk.path));
    at.press('Enter');
    expect(await at.shows('Enter flash another')).toContain('The server was told.');
    expect(asked.filter((one) => one.startsWith('POST'))).toEqual(['POST /pxe/52-54-00-00-00-01/done']);
    expect(asked).not.toContain('GET /images/box.img');
    expect(pack.bytesSent).toBeGreaterThan(0);
  });

  it('shows the flash, and stops it when it is asked twice', async () => {
    pack.bytesPerSecond = 4 * MIB;
    const at = open('--server', url, '--mac', MAC);
    await toConfirmation(at, 'box.img');
    at.type(basename(disk.path));
    at.press('Enter');
    expect(await at.shows(/> writing .*%, \d+ s left/)).toMatch(
      / {2}x preparing .*\n {2}[x-] comparing.*\n {2}> writing/,
    );
    at.press('C-c');
    await at.shows('Press y to stop, any other key to go on.');
    at.type('y');
    const screen = await at.shows('Enter flash another');
    expect(screen).toContain('bty 0.1.0   FAILED');
    expect(screen).toContain('Partial write');
    expect(asked.some((one) => one.startsWith('POST'))).toBe(false);
    expect(disk.headIsZero()).toBe(true);
  });

  it('says what to do when the server is away', async () => {
    await new Promise((resolve) => server.close(resolve));
    const at = open('--server', url, '--mac', MAC);
    const screen = await at.shows('FAILED');
    expect(screen).toMatch(/the server does not answer: .*ECONNREFUSED[\s\S]*address right\?\nPress r to try again\./);
    await new Promise<void>((resolve) => server.listen(Number(new URL(url).port), '127.0.0.1', resolve));
    at.press('r');
    await at.shows('> box.img');
  });
});

describe('bty tui refuses', () => {
  const run = (...args: string[]): { status: number | null; stderr: string } => {
    try {
      execFileSync(process.execPath, [BUNDLE, 'tui', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      return { status: 0, stderr: '' };
    } catch (error) {
      const { status, stderr } = error as { status: number | null; stderr: Buffer };
      return { status, stderr: stderr.toString() };
    }
  };

  it('to run without a terminal, or with a server and no MAC', () => {
    expect(run()).toEqual({ status: 2, stderr: expect.stringContaining('needs a terminal') });
    expect(run('--server', 'http://a')).toEqual({ status: 2, stderr: expect.stringContaining('belong together') });
  });
});
