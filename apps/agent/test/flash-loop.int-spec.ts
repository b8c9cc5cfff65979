import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expected } from '@bty/image-format';
import { BtyError, type FlashStart } from '@bty/wire-types';
import { afterEach, describe, expect, it } from 'vitest';
import { buildGptImage } from '../../../libs/image-format/src/gpt-image.builder.js';
import { InlineCrew } from '../src/crew/inline-crew.js';
import { allocateAligned } from '../src/engine/aligned-memory.js';
import { MemoryPack } from '../src/engine/memory-pack.fake.js';
import { type PackedImage, packImage } from '../src/engine/packed-image.builder.js';
import { type FlashPorts, flash } from '../src/pipeline.js';
import { listDisks } from '../src/target/list-disks.js';
import { MACHINE_ROOTS } from '../src/target/machine-roots.js';
import { openTarget } from '../src/target/open-target.js';
import { findMemberships } from '../src/target/signatures.js';
import { failure } from './failure.js';
import { LoopDisk } from './loop-disk.js';

const MIB = 1024 * 1024;
const never = new AbortController().signal;

const disks: LoopDisk[] = [];
function loopDisk(...args: ConstructorParameters<typeof LoopDisk>): LoopDisk {
  const disk = new LoopDisk(...args);
  disks.push(disk);
  return disk;
}
afterEach(() => {
  for (const disk of disks.splice(0)) disk.remove();
});

function orderFor({ job }: PackedImage): FlashStart {
  return {
    type: 'flash.start',
    job_id: '3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f',
    epoch: 1,
    image: job,
    verify: 'full',
    provisioning_mode: 'none',
  };
}

function run(raw: Buffer, paths: string[], more: Partial<FlashPorts> = {}, sectorBytes = 512) {
  const image = packImage(raw, { sectorBytes });
  const frames = new MemoryPack(image.pack);
  const ports: FlashPorts = {
    listDisks: () => listDisks(MACHINE_ROOTS, findMemberships, paths),
    openTarget: (disk) => openTarget(MACHINE_ROOTS, disk),
    fetchMap: async () => image,
    openPack: () => frames,
    openCrew: (disk, { map }, crew) => new InlineCrew(disk, map, { table: map, frames, ...crew }),
    onStage: () => undefined,
    onProgress: () => undefined,
    onTarget: () => undefined,
    log: () => undefined,
    commit: async () => undefined,
    prepareProvisioning: async () => undefined,
    rereadTable: async () => undefined,
    nowMs: () => performance.now(),
    peakRssBytes: () => 0,
    ...more,
  };
  return flash(orderFor(image), ports, never);
}

const noise = (image: Buffer): void => void randomBytes(image.length).copy(image);

/** The flags (octal) with which this process holds a device open. */
function openFlags(path: string): number[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) !== path) return [];
      return [Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0', 8)];
    } catch {
      return []; // the descriptor that listed the folder
    }
  });
}

describe('a flash of a real block device', () => {
  it.each([
    ['of the image’s size', 0],
    ['one sector larger', 512],
    ['a MiB larger', MIB],
    ['some MiB and a few sectors larger', 7 * MIB + 5 * 512],
  ])('%s gives the expected disk', async (_name, more) => {
    const image = buildGptImage({ sizeBytes: 9 * MIB + 512, fill: noise });
    const disk = loopDisk(randomBytes(image.length + more));
    const { result } = await run(image, [disk.path]);
    expect(disk.content().equals(expected(image, disk.before))).toBe(true);
    expect(result.target.size_bytes).toBe(disk.before.length);
  });

  it('whose image ends in the middle of a sector leaves the rest of that sector alone', async () => {
    const image = randomBytes(3 * MIB + 700);
    const disk = loopDisk(randomBytes(8 * MIB));
    await run(image, [disk.path]);
    expect(disk.content().equals(expected(image, disk.before))).toBe(true);
  });

  it('with sectors of 4096 bytes takes an image made for them, and refuses one that was not', async () => {
    const image = buildGptImage({ sizeBytes: 4 * MIB, sectorBytes: 4096, fill: noise });
    const disk = loopDisk(randomBytes(6 * MIB), { sectorBytes: 4096 });
    await run(image, [disk.path], {}, 4096);
    const flashed = disk.content();
    expect(flashed.equals(expected(image, disk.before))).toBe(true);
    const error = await failure(run(buildGptImage({ sizeBytes: 4 * MIB }), [disk.path]));
    expect(error.code).toBe('SECTOR_SIZE_MISMATCH');
    expect(disk.content().equals(flashed)).toBe(true);
  });

  it('goes past the cache: the device is open with O_DIRECT and claimed', async () => {
    const disk = loopDisk(randomBytes(4 * MIB));
    const [chosen] = await listDisks(MACHINE_ROOTS, findMemberships, [disk.path]);
    if (chosen === undefined) throw new Error('no disk');
    const target = await openTarget(MACHINE_ROOTS, chosen);
    expect(openFlags(disk.path).map((flags) => flags & 0o40000)).toEqual([0o40000]);
    expect((await failure(openTarget(MACHINE_ROOTS, chosen))).code).toBe('TARGET_BUSY');
    const piece = allocateAligned(4096);
    await target.read(piece, 4096);
    expect(piece.equals(disk.before.subarray(4096, 8192))).toBe(true);
    await target.close();
  });
});

describe('a real block device is left as it is', () => {
  const image = buildGptImage({ sizeBytes: 4 * MIB, fill: noise });

  it('when it is one sector too small', async () => {
    const disk = loopDisk(randomBytes(4 * MIB - 512));
    expect((await failure(run(image, [disk.path]))).code).toBe('TARGET_TOO_SMALL');
    expect(disk.content().equals(disk.before)).toBe(true);
  });

  it('when it is read-only, also when the inventory did not say so', async () => {
    const disk = loopDisk(randomBytes(4 * MIB), { readOnly: true });
    expect((await failure(run(image, [disk.path]))).code).toBe('TARGET_NONE');
    const blind = async () =>
      (await listDisks(MACHINE_ROOTS, findMemberships, [disk.path])).map((d) => ({ ...d, read_only: false }));
    expect((await failure(run(image, [disk.path], { listDisks: blind }))).code).toBe('DISK_IO');
    expect(disk.content().equals(disk.before)).toBe(true);
  });

  it('when it is mounted: refused by the inventory, and by the kernel when that was blind', async () => {
    const disk = loopDisk(Buffer.alloc(16 * MIB));
    const point = mkdtempSync(join(tmpdir(), 'bty-mount-'));
    execFileSync('mke2fs', ['-q', '-t', 'ext4', disk.path]);
    execFileSync('mount', [disk.path, point]);
    try {
      const refused = await failure(run(image, [disk.path]));
      expect(refused).toMatchObject({
        code: 'TARGET_BUSY',
        message: expect.stringContaining(`is mounted on ${point}`),
      });
      const blind = async () =>
        (await listDisks(MACHINE_ROOTS, findMemberships, [disk.path])).map((d) => ({ ...d, in_use: [] }));
      expect((await failure(run(image, [disk.path], { listDisks: blind }))).code).toBe('TARGET_BUSY');
    } finally {
      execFileSync('umount', [point]);
      rmSync(point, { recursive: true });
    }
    expect(execFileSync('e2fsck', ['-fn', disk.path], { stdio: ['ignore', 'pipe', 'ignore'] }).length).toBeGreaterThan(
      0,
    );
  });

  it('when another disk has taken its name since it was chosen', async () => {
    const disk = loopDisk(randomBytes(8 * MIB));
    const other = loopDisk(randomBytes(6 * MIB));
    const swapped = async () => {
      const [chosen] = await listDisks(MACHINE_ROOTS, findMemberships, [disk.path]);
      return chosen === undefined ? [] : [{ ...chosen, path: other.path }];
    };
    const error = await failure(run(image, [disk.path], { listDisks: swapped }));
    expect(error).toMatchObject({ code: 'TARGET_CHANGED', message: expect.stringContaining('size_bytes') });
    expect(other.content().equals(other.before)).toBe(true);
  });

  it('when there are two of them and no hint', async () => {
    const pair = [loopDisk(randomBytes(5 * MIB)), loopDisk(randomBytes(6 * MIB))];
    const error = await failure(
      run(
        image,
        pair.map(({ path }) => path),
      ),
    );
    expect(error.code).toBe('TARGET_AMBIGUOUS');
    for (const { path } of pair) expect(error.message).toContain(`${path}: eligible`);
    for (const disk of pair) expect(disk.content().equals(disk.before)).toBe(true);
  });
});

describe('a refused commit', () => {
  it('leaves a real block device without its first MiB', async () => {
    const image = buildGptImage({ sizeBytes: 4 * MIB, fill: noise });
    const disk = loopDisk(randomBytes(6 * MIB));
    const commit = async (): Promise<void> => {
      throw new BtyError('STALE_EPOCH', 'refused');
    };
    expect((await failure(run(image, [disk.path], { commit }))).code).toBe('STALE_EPOCH');
    expect(disk.headIsZero()).toBe(true);
  });
});
