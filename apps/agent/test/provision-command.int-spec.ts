import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUNDLE } from './built-agent.js';
import { LoopDisk } from './loop-disk.js';
import { plant, SYSTEM, SystemDisk } from './system-disk.js';

const MIB = 1024 * 1024;
const ROOT = { startMiB: 1, sizeMiB: 30 };
const USER_DATA = '#cloud-config\n';
let folder: string;
let image: string;
let disk: LoopDisk;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bty-command-'));
  image = join(folder, 'system.img');
  const system = new SystemDisk(32, 'label: gpt\nstart=1MiB, size=30MiB\n');
  system.format(ROOT, 'mke2fs', '-q', '-t', 'ext4');
  system.inside(ROOT, '', (root) => plant(root, SYSTEM));
  copyFileSync(system.file, image);
  await system.remove();
  disk = new LoopDisk(Buffer.alloc(40 * MIB, 0xd1));
});

afterEach(() => {
  disk.remove();
  rmSync(folder, { recursive: true });
});

function flash(...more: string[]): { status: number | null; stderr: string } {
  const args = ['flash', '--image', image, '--target', disk.path, '--yes', '--progress', 'none', ...more];
  const { status, stderr } = spawnSync(process.execPath, [BUNDLE, ...args]);
  return { status, stderr: stderr.toString() };
}

function seedOnDisk(): Record<string, string> {
  const point = join(folder, 'mnt');
  mkdirSync(point);
  execFileSync('mount', ['-o', `ro,loop,offset=${MIB},sizelimit=${30 * MIB}`, disk.path, point]);
  try {
    const place = join(point, 'var/lib/cloud/seed/nocloud-net');
    return Object.fromEntries(readdirSync(place).map((name) => [name, readFileSync(join(place, name), 'utf8')]));
  } finally {
    execFileSync('umount', [point]);
  }
}

describe('bty flash --provision cloud-init', () => {
  it('writes the files that are named, and makes a new instance when there is no meta-data', () => {
    const flags = ['user-data', 'network-config', 'vendor-data'].flatMap((name) => {
      writeFileSync(join(folder, name), `${USER_DATA}# ${name}\n`);
      return [`--${name}`, join(folder, name)];
    });
    expect(flash('--provision', 'cloud-init', ...flags)).toMatchObject({ status: 0 });
    expect(seedOnDisk()).toEqual({
      'user-data': `${USER_DATA}# user-data\n`,
      'network-config': `${USER_DATA}# network-config\n`,
      'vendor-data': `${USER_DATA}# vendor-data\n`,
      'meta-data': expect.stringMatching(/^instance-id: bty-[0-9a-f-]{36}\n$/),
    });
  });

  it('writes the instance of the given meta-data', () => {
    const metaData = 'instance-id: box-7\nlocal-hostname: box\n';
    writeFileSync(join(folder, 'user'), USER_DATA);
    writeFileSync(join(folder, 'meta'), metaData);
    const flags = ['--user-data', join(folder, 'user'), '--meta-data', join(folder, 'meta')];
    expect(flash('--provision', 'cloud-init', ...flags)).toMatchObject({ status: 0 });
    expect(seedOnDisk()).toMatchObject({ 'meta-data': metaData });
  });

  it.each<[string, Record<string, string>, string[], string]>([
    ['user-data that is not there', {}, ['--provision', 'cloud-init', '--user-data', 'user'], 'cannot be read: ENOENT'],
    [
      'meta-data without an instance',
      { user: USER_DATA, meta: 'a: 1\n' },
      ['--provision', 'cloud-init', '--user-data', 'user', '--meta-data', 'meta'],
      'no instance-id',
    ],
    ['a seed that nobody asked for', { user: USER_DATA }, ['--user-data', 'user'], 'belong to --provision cloud-init'],
    ['no user-data', {}, ['--provision', 'cloud-init'], 'needs --user-data'],
    [
      'user-data of more than 64 KiB',
      { user: 'x'.repeat(64 * 1024 + 1) },
      ['--provision', 'cloud-init', '--user-data', 'user'],
      'has more than 65536 bytes',
    ],
  ])('refuses %s, and leaves the disk alone', (_name, files, args, problem) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const named = args.map((arg) => (/^(user|meta)$/.test(arg) ? join(folder, arg) : arg));
    expect(flash(...named)).toEqual({ status: 2, stderr: expect.stringContaining(problem) });
    expect(disk.content().equals(disk.before)).toBe(true);
  });
});
