import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expected } from '@bty/image-format';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildGptImage } from '../../../libs/image-format/src/gpt-image.builder.js';
import { patchwork } from '../src/engine/patchwork.builder.js';
import { LoopDisk } from './loop-disk.js';
import { bty, documentOf, type Ended, SYSTEM_PATH } from './run-bty.js';

const MIB = 1024 * 1024;
const image = buildGptImage({
  sizeBytes: 24 * MIB,
  fill: (bytes) => void patchwork(bytes.length, 21).copy(bytes),
});

let folder: string;
let path: string;
let disk: LoopDisk;
let other: LoopDisk;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bty-target-'));
  path = join(folder, 'box.img');
  writeFileSync(path, image);
  disk = new LoopDisk(Buffer.alloc(30 * MIB, 0xd1));
  other = new LoopDisk(Buffer.alloc(26 * MIB, 0xd2));
});

afterEach(() => {
  disk.remove();
  other.remove();
  rmSync(folder, { recursive: true });
});

const flash = (target: string, more: string[], env: Record<string, string> = {}): Promise<Ended> =>
  bty(['flash', '--image', path, '--target', target, '--json', ...more], {
    BTY_DISKS: `${disk.path} ${other.path}`,
    ...env,
  });
const untouched = (): boolean => disk.content().equals(disk.before) && other.content().equals(other.before);

describe('bty flash --dry-run', () => {
  it('says which disk would be written, what is on it, and what would change', async () => {
    const table = 'label: gpt\nstart=1MiB,size=10MiB,name=old\nstart=12MiB,size=5MiB\n';
    execFileSync('sfdisk', ['-q', '--no-reread', disk.path], { input: table });
    execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'DATA', '-E', `offset=${MIB}`, disk.path, '10M']);
    const before = disk.content();
    const ended = await flash(disk.path, ['--dry-run', '--yes']);
    expect(ended.code).toBe(0);
    expect(documentOf(ended)).toMatchObject({
      dry_run: true,
      image: { source: path, format: 'img', content_size_bytes: 24 * MIB, table: 'gpt' },
      target: { path: disk.path, size_bytes: 30 * MIB },
      target_content: { table: 'gpt', partitions: [{ name: 'old', type: 'ext4', label: 'DATA' }, { number: 2 }] },
      changes: {
        partitions_removed: [{ number: 1 }, { number: 2 }],
        partitions_added: [{ number: 1 }],
        overwritten_bytes: 24 * MIB,
        untouched_bytes: 5 * MIB,
        wiped_bytes: MIB,
        provisioning: 'none',
      },
      objections: [],
    });
    expect(ended.stderr).toContain(`Disk        ${disk.path}  no model  no serial  31.5 MB  other\n`);
    expect(ended.stderr).toContain('On it now   GPT, 2 partitions\n             1   10.5 MB  ext4  "DATA"  old\n');
    expect(ended.stderr).toContain('Changes     2 partitions are lost\n');
    expect(disk.content().equals(before)).toBe(true);
  });

  it('tells every objection at once, with what is on the disk, and exit code 1', async () => {
    const small = new LoopDisk(Buffer.alloc(24 * MIB - 512), { readOnly: true });
    try {
      const ended = await flash(small.path, ['--dry-run']);
      expect(ended.code).toBe(1);
      expect(documentOf(ended)).toMatchObject({
        dry_run: true,
        target: { path: small.path },
        target_content: { table: 'none' },
        objections: [{ message: 'it is read-only' }, { code: 'TARGET_TOO_SMALL' }],
        error: { code: 'TARGET_NONE' },
      });
      expect(ended.stderr).toMatch(/Refused {5}\* it is read-only\n {12}\* it has .* too few\n/);
    } finally {
      small.remove();
    }
  });

  it('checks what is to be provisioned', async () => {
    const ended = await flash(disk.path, ['--dry-run', '--provision', 'cloud-init', '--user-data', '/nowhere']);
    expect([ended.code, documentOf(ended)]).toMatchObject([
      2,
      { error: { message: expect.stringContaining('/nowhere') } },
    ]);
  });
});

describe('bty flash --target HINT', () => {
  it('takes the one disk that fits', async () => {
    const ended = await flash('min-size=28MiB,transport=other', ['--yes']);
    expect([ended.code, documentOf(ended)]).toMatchObject([
      0,
      { target: { path: disk.path }, result: { verify: 'full' } },
    ]);
    expect(disk.content().equals(expected(image, disk.before))).toBe(true);
    expect(other.content().equals(other.before)).toBe(true);
    const verified = await bty(['verify', '--image', path, '--target', 'min-size=28MiB'], {
      BTY_DISKS: `${disk.path} ${other.path}`,
    });
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('is equal to the image')]);
  });

  it.each([
    ['two disks', 'transport=other', 'TARGET_AMBIGUOUS', /2 disks may be written/],
    ['none', 'serial=NOBODY', 'TARGET_NOT_FOUND', /it has no serial, the hint asks for NOBODY/],
  ])('fails closed on %s, and lists every disk', async (_name, hint, code, message) => {
    const ended = await flash(hint, ['--yes']);
    expect([ended.code, documentOf(ended)]).toMatchObject([1, { error: { code } }]);
    expect(ended.stderr).toMatch(message);
    for (const one of [disk, other]) expect(ended.stderr).toContain(one.path);
    expect(untouched()).toBe(true);
  });

  it('is a usage error when it is no hint', async () => {
    expect((await flash('colour=red', ['--yes'])).code).toBe(2);
    expect((await flash('sdb', ['--yes'])).code).toBe(2);
    expect(untouched()).toBe(true);
  });
});

describe('bty flash on a disk', () => {
  it('that was swapped after it was looked at ends with 5, and writes nothing', async () => {
    const tools = join(folder, 'bin');
    mkdirSync(tools);
    const medium = join(folder, 'other-medium');
    writeFileSync(medium, Buffer.alloc(30 * MIB, 0xee));
    // the disk has been told by now; its signatures are looked for last
    const swap = `#!/bin/sh\nPATH=${SYSTEM_PATH}\nwipefs "$@" || exit 1\nexec >&2\nlosetup -d ${disk.path} && losetup ${disk.path} ${medium}\n`;
    writeFileSync(join(tools, 'wipefs'), swap);
    chmodSync(join(tools, 'wipefs'), 0o755);
    const ended = await flash(disk.path, ['--yes'], { PATH: `${tools}:${SYSTEM_PATH}` });
    expect([ended.code, documentOf(ended)]).toMatchObject([5, { error: { code: 'TARGET_CHANGED' } }]);
    expect(execFileSync('cat', [medium], { maxBuffer: 64 * MIB }).every((byte) => byte === 0xee)).toBe(true);
    expect(untouched()).toBe(true);
  });

  it('that is swap is refused', async () => {
    execFileSync('mkswap', ['--force', disk.path]);
    execFileSync('swapon', [disk.path]);
    try {
      expect(await flash(disk.path, ['--yes'])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`${disk.path} is used as swap`),
      });
    } finally {
      execFileSync('swapoff', [disk.path]);
    }
    // a host short of memory has used the rest
    expect(disk.content().toString('latin1', 4086, 4096)).toBe('SWAPSPACE2');
  });

  it.each([
    ['full', true],
    ['written', true],
    ['off', false],
  ])('with --verify %s says what was read back', async (verify, some) => {
    const ended = await flash(disk.path, ['--yes', '--verify', verify, '--progress', 'none']);
    const { result } = documentOf(ended) as { result: { verify: string; bytes_verified: number } };
    expect([ended.code, result.verify, result.bytes_verified > 0]).toEqual([0, verify, some]);
    expect(disk.content().equals(expected(image, disk.before))).toBe(true);
  });

  it('tells its progress on standard error as ndjson when standard output has the document', async () => {
    const ended = await flash(disk.path, ['--yes', '--progress', 'ndjson']);
    expect(documentOf(ended)).toMatchObject({ command: 'flash' });
    const events = ended.stderr
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { event: string }).event);
    expect([events[0], events.at(-1)]).toEqual(['started', 'done']);
  });
});
