import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUNDLE } from './built-agent.js';
import { LoopDisk } from './loop-disk.js';
import { bty, DROP_ROOT, documentOf } from './run-bty.js';

const MIB = 1024 * 1024;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bty-look-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A disk of 30 MiB with a GPT of two partitions, the first an ext4 with a label. */
function partitionedDisk(): LoopDisk {
  const file = join(folder, 'disk');
  writeFileSync(file, Buffer.alloc(30 * MIB));
  const table = 'label: gpt\nstart=1MiB,size=10MiB,name=system\nstart=12MiB,size=5MiB\n';
  execFileSync('sfdisk', ['-q', file], { input: table });
  execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'MY DATA', '-E', `offset=${MIB}`, file, '10M']);
  return new LoopDisk(execFileSync('cat', [file], { maxBuffer: 64 * MIB }));
}

describe('bty list disks', () => {
  it('tells what each disk is, what is on it, and what speaks against writing it', async () => {
    const disk = partitionedDisk();
    const { path } = disk;
    try {
      const json = documentOf(await bty(['list', 'disks', '--disk', path, '--json']));
      expect(json).toMatchObject({
        schema_version: '1',
        command: 'list-disks',
        disks: [
          {
            path,
            size_bytes: 30 * MIB,
            in_use: [],
            objections: [],
            content: {
              table: 'gpt',
              partitions: [
                { number: 1, offset_bytes: MIB, size_bytes: 10 * MIB, name: 'system', type: 'ext4', label: 'MY DATA' },
                { number: 2, offset_bytes: 12 * MIB, size_bytes: 5 * MIB },
              ],
            },
          },
        ],
      });
      const text = await bty(['list', 'disks'], { BTY_DISKS: path });
      expect([text.code, text.stderr, text.stdout]).toEqual([
        0,
        '',
        [
          `${path}  no model  no serial  31.5 MB  other`,
          '    GPT, 2 partitions',
          '     1   10.5 MB  ext4  "MY DATA"  system',
          '     2    5.2 MB',
          '',
        ].join('\n'),
      ]);
    } finally {
      disk.remove();
    }
  });

  it('tells a file system on the whole disk, an MBR, and a use', async () => {
    const whole = new LoopDisk(Buffer.alloc(8 * MIB));
    const mbr = new LoopDisk(Buffer.alloc(8 * MIB));
    const point = join(folder, 'mnt');
    mkdirSync(point);
    execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'KEEP', whole.path]);
    execFileSync('sfdisk', ['-q', '--no-reread', mbr.path], { input: 'label: dos\nstart=2048,size=4096,type=83\n' });
    execFileSync('mount', [whole.path, point]);
    try {
      const { stdout } = await bty(['list', 'disks', '--disk', whole.path, '--disk', mbr.path]);
      expect(stdout).toContain('    the whole disk: ext4  "KEEP"');
      expect(stdout).toContain(`    not a target: in use: ${whole.path} is mounted on ${point}`);
      expect(stdout).toContain('    MBR, 1 partition\n     1    2.1 MB');
    } finally {
      execFileSync('umount', [point]);
      whole.remove();
      mbr.remove();
    }
  });

  it('shows a user who is not root the disks, and why not more', async () => {
    const disk = partitionedDisk();
    const place = join(folder, 'bundle');
    cpSync(dirname(BUNDLE), place, { recursive: true });
    chmodSync(folder, 0o755);
    const program = [process.execPath, '--import', DROP_ROOT, join(place, basename(BUNDLE))];
    try {
      const listed = await bty(['list', 'disks', '--disk', disk.path], {}, program);
      expect([listed.code, listed.stdout]).toEqual([0, expect.stringContaining(`only root may look at ${disk.path}`)]);
      writeFileSync(join(folder, 'a.img'), Buffer.alloc(MIB));
      const args = ['flash', '--image', join(folder, 'a.img'), '--target', disk.path, '--yes', '--json'];
      const refused = await bty(args, {}, program);
      expect([refused.code, documentOf(refused)]).toMatchObject([3, { error: { code: 'DISK_IO' } }]);
      expect(refused.stderr).toContain('run the same with sudo');
    } finally {
      disk.remove();
    }
  });
});

describe('bty list images', () => {
  const names = (images: unknown): string[] => (images as { name: string }[]).map(({ name }) => name);

  it('lists the regular files at the top, sorted, and says what is no image', async () => {
    writeFileSync(join(folder, 'z.IMG'), Buffer.alloc(MIB));
    writeFileSync(join(folder, 'a.img'), Buffer.alloc(2 * MIB));
    execFileSync('zstd', ['-q', join(folder, 'a.img'), '-o', join(folder, 'b.img.zst')]);
    writeFileSync(join(folder, 'c.qcow2'), 'something else');
    writeFileSync(join(folder, 'readme.txt'), 'text');
    writeFileSync(join(folder, '.img'), 'only a suffix');
    mkdirSync(join(folder, 'd.img'));
    symlinkSync(join(folder, 'a.img'), join(folder, 'e.img'));
    const ended = await bty(['list', 'images', '--image-root', folder, '--json']);
    const json = documentOf(ended);
    expect(ended.code).toBe(0);
    expect(json).toMatchObject({ schema_version: '1', command: 'list-images', image_root: folder });
    expect(names(json.images)).toEqual(['a.img', 'b.img.zst', 'c.qcow2', 'z.IMG']);
    expect(json.images).toMatchObject([
      { path: join(folder, 'a.img'), format: 'img', size_bytes: 2 * MIB, content_size_bytes: 2 * MIB },
      { format: 'img.zst', content_size_bytes: 2 * MIB },
      { format: 'qcow2', problem: expect.stringContaining('named .qcow2, but it is no qcow2 file') },
      { format: 'img', size_bytes: MIB },
    ]);
  });

  it('looks where the flag says, else BTY_IMAGE_ROOT; a root that is not there is empty', async () => {
    writeFileSync(join(folder, 'a.img'), Buffer.alloc(MIB));
    const byEnvironment = await bty(['list', 'images'], { BTY_IMAGE_ROOT: folder });
    expect(byEnvironment.stdout).toBe('a.img  img         1.0 MB  for a disk of 1.0 MB\n');
    const nowhere = join(folder, 'nowhere');
    const byFlag = await bty(['list', 'images', '--image-root', nowhere, '--json'], { BTY_IMAGE_ROOT: folder });
    expect([byFlag.code, documentOf(byFlag)]).toMatchObject([0, { images: [] }]);
    const bad = await bty(['list', 'images', '--image-root', join(folder, 'a.img'), '--json']);
    expect([bad.code, documentOf(bad)]).toMatchObject([2, { error: { code: 'INVALID_REQUEST' } }]);
  });
});

describe('bty inspect image', () => {
  it('tells size and partitions of a name in the image root, in each format', async () => {
    const raw = join(folder, 'box.img');
    writeFileSync(raw, Buffer.alloc(24 * MIB));
    execFileSync('sfdisk', ['-q', raw], { input: 'label: gpt\nstart=1MiB,size=10MiB,name=root\n' });
    execFileSync('zstd', ['-q', raw, '-o', `${raw}.zst`]);
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, join(folder, 'box.qcow2')]);
    for (const [name, format] of [
      ['box.img', 'img'],
      ['box.img.zst', 'img.zst'],
      ['box.qcow2', 'qcow2'],
    ]) {
      const ended = await bty(['inspect', 'image', `${name}`, '--image-root', folder, '--json']);
      expect([ended.code, documentOf(ended)]).toMatchObject([
        0,
        {
          schema_version: '1',
          command: 'inspect-image',
          image: {
            source: join(folder, `${name}`),
            name,
            format,
            content_size_bytes: 24 * MIB,
            mapped: false,
            sector_bytes: 512,
            table: 'gpt',
            partitions: [{ number: 1, offset_bytes: MIB, size_bytes: 10 * MIB, name: 'root' }],
          },
        },
      ]);
    }
    const text = await bty(['inspect', 'image', raw]);
    expect(text.stdout).toBe(
      'box.img  img  25.2 MB\ndisk size  25.2 MB, sectors of 512 bytes\nGPT, 1 partition\n 1   10.5 MB  root\n',
    );
  });

  it('checks a digest, and refuses what is not there or no image', async () => {
    const path = join(folder, 'a.img');
    writeFileSync(path, Buffer.alloc(MIB));
    const { stdout } = await bty(['inspect', 'image', path, '--sha256', '0'.repeat(64), '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'DIGEST_MISMATCH' } });
    expect((await bty(['inspect', 'image', path, '--sha256', 'abc'])).code).toBe(2);
    expect((await bty(['inspect', 'image', join(folder, 'b.img')])).code).toBe(2);
    writeFileSync(join(folder, 'c.img'), Buffer.from('1f8b0800', 'hex'));
    expect(await bty(['inspect', 'image', join(folder, 'c.img')])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('compressed by gzip'),
    });
  });
});

describe('a wrong command line', () => {
  it.each([
    [['flash', '--json'], 'flash'],
    [['list', 'images', '--colour', '--json'], 'list-images'],
    [['inspect', 'image', '--json'], 'inspect-image'],
  ])('%j is one document, and exit code 2', async (args, command) => {
    const ended = await bty(args);
    expect([ended.code, documentOf(ended)]).toMatchObject([2, { command, error: { code: 'INVALID_REQUEST' } }]);
  });

  it('names the command that was meant', async () => {
    expect(await bty(['flsh'])).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean flash?') });
  });
});
