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
const USER_DATA = '#cloud-config\n# from a folder\n';
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
  mkdirSync(join(folder, 'seed'));
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
  it('writes the files of a folder, and makes a new instance when there is no meta-data', () => {
    writeFileSync(join(folder, 'seed/user-data'), USER_DATA);
    expect(flash('--provision', 'cloud-init', '--seed', join(folder, 'seed'))).toMatchObject({ status: 0 });
    expect(seedOnDisk()).toEqual({
      'user-data': USER_DATA,
      'meta-data': expect.stringMatching(/^instance-id: bty-[0-9a-f-]{36}\n$/),
    });
  });

  it.each<[string, Record<string, string>, string[], string]>([
    ['a folder without user-data', {}, ['--provision', 'cloud-init', '--seed', 'seed'], 'no user-data'],
    [
      'meta-data without an instance',
      { 'user-data': USER_DATA, 'meta-data': 'a: 1\n' },
      ['--provision', 'cloud-init', '--seed', 'seed'],
      'no instance-id',
    ],
    ['a seed that nobody asked for', { 'user-data': USER_DATA }, ['--seed', 'seed'], 'belong together'],
    ['no seed', {}, ['--provision', 'cloud-init'], 'belong together'],
  ])('refuses %s, and leaves the disk alone', (_name, files, args, problem) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'seed', name), text);
    const named = args.map((arg) => (arg === 'seed' ? join(folder, 'seed') : arg));
    expect(flash(...named)).toEqual({ status: 2, stderr: expect.stringContaining(problem) });
    expect(disk.content().equals(disk.before)).toBe(true);
  });
});
