import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUNDLE } from './built-agent.js';
import { LoopDisk } from './loop-disk.js';
import { plant, SYSTEM, SystemDisk } from './system-disk.js';
import { CIJOE_BIN, steps } from './workflow-steps.js';

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

const { PATH } = process.env;

function flash(...more: string[]): { status: number | null; stderr: string } {
  return flashWith(`${CIJOE_BIN}:${PATH}`, ...more);
}

function flashWith(searchPath: string, ...more: string[]): { status: number | null; stderr: string } {
  const args = ['flash', '--image', image, '--target', disk.path, '--yes', '--progress', 'none', ...more];
  const env = { ...process.env, PATH: searchPath, TMPDIR: folder };
  const { status, stderr } = spawnSync(process.execPath, [BUNDLE, ...args], { env });
  return { status, stderr: stderr.toString() };
}

function onDisk<T>(look: (root: string) => T): T {
  const point = join(folder, 'mnt');
  mkdirSync(point);
  execFileSync('mount', ['-o', `ro,loop,offset=${MIB},sizelimit=${30 * MIB}`, disk.path, point]);
  try {
    return look(point);
  } finally {
    execFileSync('umount', [point]);
  }
}

function seedOnDisk(): Record<string, string> {
  return onDisk((root) => {
    const place = join(root, 'var/lib/cloud/seed/nocloud-net');
    return Object.fromEntries(readdirSync(place).map((name) => [name, readFileSync(join(place, name), 'utf8')]));
  });
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

describe('bty flash --provision cijoe', () => {
  const workflow = (): string => join(folder, 'flow.yaml');
  const cijoe = (...more: string[]): string[] => ['--provision', 'cijoe', '--cijoe-workflow', workflow(), ...more];
  const untouched = (): boolean => disk.content().equals(disk.before);

  it('runs a workflow on the flashed system with the configuration that is named, and says where its report is', () => {
    writeFileSync(workflow(), steps({ name: 'echo {{ config.host }} > $BTY_ROOTFS/etc/hostname' }));
    writeFileSync(join(folder, 'lab.toml'), 'host = "node-7"\n');
    const { status, stderr } = flash(...cijoe('--cijoe-config', join(folder, 'lab.toml')));
    expect([status, stderr]).toEqual([0, expect.stringMatching(/report of the workflow is in \S+/)]);
    expect(onDisk((root) => readFileSync(join(root, 'etc/hostname'), 'utf8'))).toBe('node-7\n');
    const report = /report of the workflow is in (\S+)/.exec(stderr)?.[1] ?? '';
    expect(readdirSync(report)).toEqual(expect.arrayContaining(['report.html', 'task.state']));
  });

  it('fails with the names of the steps that failed, and leaves a disk that does not boot', () => {
    writeFileSync(workflow(), steps({ good: 'true', broken: 'false' }));
    expect(flash(...cijoe())).toEqual({ status: 1, stderr: expect.stringContaining('bty: failed: broken') });
    expect(
      disk
        .content()
        .subarray(0, MIB)
        .every((byte) => byte === 0),
    ).toBe(true);
    expect(execFileSync('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE']).toString()).not.toContain(
      disk.path,
    );
  });

  it('needs cijoe on the host: says so with exit code 4, and leaves the disk alone', () => {
    writeFileSync(workflow(), steps({ a: 'true' }));
    const { status, stderr } = flashWith(PATH ?? '', ...cijoe());
    expect([status, stderr]).toEqual([4, expect.stringContaining('the program cijoe is not installed')]);
    expect(untouched()).toBe(true);
  });

  it.each<[string, number, string | undefined, () => string[], string]>([
    ['a workflow that is not there', 2, undefined, () => cijoe(), 'there is no file'],
    [
      'a configuration that is not there',
      2,
      steps({ a: 'true' }),
      () => cijoe('--cijoe-config', 'none'),
      'no file none',
    ],
    ['no workflow', 2, undefined, () => ['--provision', 'cijoe'], 'belong together'],
    ['a workflow that nobody asked for', 2, '', () => ['--cijoe-workflow', workflow()], 'belong together'],
    ['a configuration for another mode', 2, undefined, () => ['--cijoe-config', 'x'], 'belongs to --provision cijoe'],
    [
      'a mode that nobody knows',
      2,
      undefined,
      () => ['--provision', 'ansible'],
      'Allowed choices are none, cloud-init, cijoe',
    ],
    [
      'a workflow that cijoe does not take',
      1,
      'doc: x\nsteps:\n- name: a\n  uses: no.such\n',
      () => cijoe(),
      'no.such',
    ],
  ])('refuses %s, and leaves the disk alone', (_name, exitCode, text, args, problem) => {
    if (text !== undefined) writeFileSync(workflow(), text);
    expect(flash(...args())).toEqual({ status: exitCode, stderr: expect.stringContaining(problem) });
    expect(untouched()).toBe(true);
  });
});
