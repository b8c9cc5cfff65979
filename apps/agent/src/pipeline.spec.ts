import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expected, MARGIN_BYTES } from '@bty/image-format';
import { BtyError, type FlashStage, type FlashStart, type InventoryDisk } from '@bty/wire-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildGptImage } from '../../../libs/image-format/src/gpt-image.builder.js';
import { describeImage } from '../test/agent-server.fake.js';
import type { BlockTarget } from './engine/block-target.js';
import { DeviceTarget } from './engine/block-target-device.js';
import { MemoryTarget } from './engine/memory-target.fake.js';
import { type FlashPorts, flash } from './pipeline.js';
import { MemorySource } from './source/memory-source.fake.js';

const MIB = 1024 * 1024;
const SECTOR = 512;

/** Runs of noise and of zeros, so that holes meet dirt. */
function patchwork(bytes: number, seed: number, zeroShare = 0.4): Buffer {
  const buffer = Buffer.alloc(bytes);
  let state = seed | 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
  for (let at = 0; at < bytes; ) {
    const length = 1 + Math.floor(next() * 200_000);
    const end = Math.min(bytes, at + length);
    if (next() >= zeroShare) buffer.fill(Buffer.from([next() * 256, next() * 256, next() * 256]), at, end);
    at = end;
  }
  return buffer;
}

function diskFor(sizeBytes: number): InventoryDisk {
  return {
    path: '/dev/memory',
    size_bytes: sizeBytes,
    logical_sector_bytes: SECTOR,
    serial: 'M-1',
    by_id: [],
    transport: 'virtio',
    removable: false,
    read_only: false,
    in_use: [],
  };
}

function orderFor(image: Buffer, more: Partial<FlashStart> = {}): FlashStart {
  return {
    type: 'flash.start',
    job_id: '3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f',
    epoch: 1,
    image: describeImage(image),
    verify: 'full',
    provisioning_mode: 'none',
    ...more,
  };
}

interface Run extends FlashPorts {
  stages: FlashStage[];
  progress: [number, number][];
}

function portsFor(target: BlockTarget, image: Buffer, more: Partial<FlashPorts> = {}): Run {
  const stages: FlashStage[] = [];
  const progress: [number, number][] = [];
  return {
    stages,
    progress,
    listDisks: async () => [diskFor(target.sizeBytes)],
    openTarget: async () => target,
    source: new MemorySource(image),
    onStage: (stage) => void stages.push(stage),
    onProgress: (done, total) => void progress.push([done, total]),
    onTarget: () => undefined,
    log: () => undefined,
    commit: async () => undefined,
    rereadTable: async () => undefined,
    nowMs: () => 0,
    peakRssBytes: () => 1,
    ...more,
  };
}

const never = new AbortController().signal;
const headIsZero = (disk: Buffer): boolean => disk.subarray(0, MARGIN_BYTES).every((byte) => byte === 0);

async function fail(target: MemoryTarget, image: Buffer, more: Partial<FlashPorts>, order = orderFor(image)) {
  const ports = portsFor(target, image, more);
  const thrown: unknown = await flash(order, ports, never).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(BtyError);
  return { error: thrown as BtyError, ports };
}

describe('a flash', () => {
  it('makes any disk equal to the expected disk, whatever it held and whatever the image', async () => {
    const cases = fc.record({
      imageBytes: fc.oneof(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 1, max: 5 * MIB })),
      moreSectors: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 5, max: 8000 })),
      gpt: fc.boolean(),
      piece: fc.constantFrom(65_536, 10_007, 3 * MIB),
      seed: fc.integer(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ imageBytes, moreSectors, gpt, piece, seed }) => {
        const sectors = Math.max(100, Math.ceil(imageBytes / SECTOR));
        const image = gpt
          ? buildGptImage({
              sizeBytes: sectors * SECTOR,
              fill: (bytes) => void patchwork(bytes.length, seed).copy(bytes),
            })
          : patchwork(imageBytes, seed);
        const diskBytes = (Math.ceil(image.length / SECTOR) + moreSectors) * SECTOR;
        const before = patchwork(diskBytes, seed + 1, 0);
        const target = new MemoryTarget(before);
        const source = new MemorySource(image, piece);
        const outcome = await flash(orderFor(image), portsFor(target, image, { source }), never);
        expect(target.medium.equals(expected(image, before))).toBe(true);
        expect(target.closed).toBe(true);
        expect(outcome.result.bytes_verified).toBeGreaterThanOrEqual(image.length);
        expect(outcome.result.gpt_relocated).toBe(gpt && moreSectors > 0);
      }),
      { numRuns: 40 },
    );
  });

  it('does the same on a real file descriptor', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bty-flash-'));
    try {
      for (const [index, more] of [0, 1, 9, 2048, 6000].entries()) {
        const image = buildGptImage({
          sizeBytes: 3 * MIB + 512 * index,
          fill: (b) => void patchwork(b.length, 7).copy(b),
        });
        const before = patchwork(image.length + more * SECTOR, 9, 0);
        const path = join(folder, String(index));
        await writeFile(path, before);
        const handle = await open(path, 'r+');
        const device = { handle, path, sizeBytes: before.length, sectorBytes: SECTOR, direct: false };
        const target = new DeviceTarget({ ...device, dropCache: async () => undefined });
        await flash(orderFor(image), portsFor(target, image), never);
        expect((await readFile(path)).equals(expected(image, before))).toBe(true);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('goes through its stages in order, each with progress of its own up to the whole', async () => {
    const image = patchwork(5 * MIB, 1);
    const target = new MemoryTarget(Buffer.alloc(6 * MIB));
    const ports = portsFor(target, image);
    await flash(orderFor(image), ports, never);
    expect(ports.stages).toEqual(['preparing', 'writing', 'flushing', 'verifying', 'committing']);
    expect(ports.progress.filter(([done, total]) => done > total)).toEqual([]);
  });

  it.each([
    ['full', true],
    ['written', true],
    ['off', false],
  ] as const)('with verify %s reads back: %s', async (verify, reads) => {
    const image = patchwork(3 * MIB, 1);
    const target = new MemoryTarget(Buffer.alloc(4 * MIB));
    let readCount = 0;
    target.beforeRead = () => {
      readCount += 1;
    };
    const { result } = await flash(orderFor(image, { verify }), portsFor(target, image), never);
    expect([readCount > 0, result.bytes_verified > 0, result.verify]).toEqual([reads, reads, verify]);
  });

  it('writes the first MiB only after the grant, and after everything else is on the medium', async () => {
    const image = patchwork(4 * MIB, 1);
    const target = new MemoryTarget(patchwork(6 * MIB, 2, 0));
    let atGrant: Buffer | undefined;
    const commit = async (): Promise<void> => {
      atGrant = Buffer.from(target.medium);
    };
    await flash(orderFor(image), portsFor(target, image, { commit }), never);
    expect(atGrant && headIsZero(atGrant)).toBe(true);
    expect(atGrant?.subarray(MIB, 4 * MIB).equals(image.subarray(MIB))).toBe(true);
  });
});

describe('a flash that cannot be done leaves the disk as it was', () => {
  const image = patchwork(3 * MIB, 4);
  const before = patchwork(4 * MIB, 5, 0);

  it.each<[string, Partial<FlashStart>, string]>([
    ['a provisioning mode that the agent does not know', { provisioning_mode: 'cloud-init' }, 'MODE_UNSUPPORTED'],
    ['a hint that no disk matches', { target_hint: { serial: 'other' } }, 'TARGET_NOT_FOUND'],
    ['a format that the agent cannot read', { image: { ...describeImage(image), format: 'qcow2' } }, 'INVALID_REQUEST'],
  ])('%s', async (_name, more, code) => {
    const target = new MemoryTarget(before);
    const { error } = await fail(target, image, {}, orderFor(image, more));
    expect(error.code).toBe(code);
    expect(target.medium.equals(before)).toBe(true);
  });

  it('a disk that is one sector too small', async () => {
    const target = new MemoryTarget(before.subarray(0, 3 * MIB - SECTOR));
    const { error } = await fail(target, image, {});
    expect(error).toMatchObject({ code: 'TARGET_TOO_SMALL', details: { disks: [{ path: '/dev/memory' }] } });
    expect(target.medium.equals(before.subarray(0, 3 * MIB - SECTOR))).toBe(true);
  });

  it('an image of another sector size', async () => {
    const large = buildGptImage({ sizeBytes: 3 * MIB, sectorBytes: 4096 });
    const target = new MemoryTarget(before);
    expect((await fail(target, large, {})).error.code).toBe('SECTOR_SIZE_MISMATCH');
    expect(target.medium.equals(before)).toBe(true);
  });
});

describe('a flash that fails after the first write leaves no first MiB', () => {
  const image = patchwork(5 * MIB, 4);
  const dirt = (): MemoryTarget => new MemoryTarget(patchwork(6 * MIB, 5, 0));

  it('when the server refuses the commit', async () => {
    const target = dirt();
    const commit = async (): Promise<void> => {
      throw new BtyError('STALE_EPOCH', 'refused');
    };
    const { error } = await fail(target, image, { commit });
    expect(error).toMatchObject({ code: 'STALE_EPOCH', details: { partial_write: true } });
    expect(error.message).toContain('Partial write');
    expect(headIsZero(target.medium)).toBe(true);
    expect(target.closed).toBe(true);
  });

  it('when a byte was flipped on the way', async () => {
    const target = dirt();
    const wrong = Buffer.from(image);
    wrong[4 * MIB] = (wrong[4 * MIB] ?? 0) ^ 1;
    const { error } = await fail(target, image, { source: new MemorySource(wrong) });
    expect(error.code).toBe('DIGEST_MISMATCH');
    expect(headIsZero(target.medium)).toBe(true);
  });

  it('when the disk gives back another byte, and names the MiB', async () => {
    const target = dirt();
    target.beforeRead = (offset) => {
      if (offset === 2 * MIB) target.medium[2 * MIB + 77] = (target.medium[2 * MIB + 77] ?? 0) ^ 4;
    };
    const { error } = await fail(target, image, {});
    expect(error).toMatchObject({ code: 'VERIFY_MISMATCH', details: { offset_bytes: 2 * MIB, lba: 4096 } });
    expect(headIsZero(target.medium)).toBe(true);
  });

  it('when a write fails, and says where', async () => {
    const target = dirt();
    target.beforeWrite = (offset) => {
      if (offset === 3 * MIB) throw new BtyError('DISK_IO', 'LBA 6144', { details: { lba: 6144, errno: 'EIO' } });
    };
    const { error } = await fail(target, image, {});
    expect(error).toMatchObject({ code: 'DISK_IO', details: { lba: 6144, errno: 'EIO', partial_write: true } });
    expect(headIsZero(target.medium)).toBe(true);
  });

  it('when the first MiB does not come back as it was written', async () => {
    const target = dirt();
    let granted = false;
    target.beforeRead = (offset) => {
      if (granted && offset === 0) target.medium[5] = (target.medium[5] ?? 0) ^ 1;
    };
    const commit = async (): Promise<void> => {
      granted = true;
    };
    expect((await fail(target, image, { commit })).error.code).toBe('VERIFY_MISMATCH');
    expect(headIsZero(target.medium)).toBe(true);
  });

  it.each(['writing', 'verifying', 'committing'] as const)('when it is cancelled while %s', async (stage) => {
    const target = dirt();
    const abort = new AbortController();
    const ports = portsFor(target, image, {
      onStage: (entered) => {
        if (entered === stage) abort.abort(new BtyError('CANCELLED', 'enough'));
      },
    });
    await expect(flash(orderFor(image), ports, abort.signal)).rejects.toMatchObject({
      code: 'CANCELLED',
      details: { partial_write: true },
    });
    expect(headIsZero(target.medium)).toBe(true);
    expect(target.closed).toBe(true);
  });
});
