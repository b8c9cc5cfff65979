import { expected, MARGIN_BYTES } from '@bty/image-format';
import { BtyError, type FlashStage, type VerifyMode } from '@bty/wire-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildGptImage } from '../../../../libs/image-format/src/gpt-image.builder.js';
import { failure } from '../../test/failure.js';
import { InlineCrew } from '../crew/inline-crew.js';
import { type EngineReport, StageClock } from './engine.js';
import { flashPacked, type PackedOrder } from './flash-packed.js';
import { MemoryPack } from './memory-pack.fake.js';
import { MemoryTarget } from './memory-target.fake.js';
import { type PackedImage, packImage } from './packed-image.builder.js';
import { patchwork } from './patchwork.builder.js';

const MIB = 1024 * 1024;
const SECTOR = 512;
const never = new AbortController().signal;

interface Options extends Partial<Pick<PackedOrder, 'strategy' | 'segmentBytes' | 'provisioning'>> {
  verify?: VerifyMode;
  pack?: MemoryPack;
  signal?: AbortSignal;
  commit?: () => Promise<void>;
  onStage?: (stage: FlashStage) => void;
  onProgress?: (done: number, total: number) => void;
  onRetry?: (reason: string) => void;
}

function run(target: MemoryTarget, image: PackedImage, options: Options = {}): Promise<EngineReport> {
  const frames = options.pack ?? new MemoryPack(image.pack);
  const ports = {
    onProgress: options.onProgress ?? (() => undefined),
    log: options.onRetry ?? (() => undefined),
    commit: options.commit ?? (async () => undefined),
    nowMs: () => 0,
  };
  const order: PackedOrder = {
    target,
    table: image.map,
    frames,
    verify: options.verify ?? 'full',
    stages: new StageClock({ nowMs: () => 0, onStage: options.onStage ?? (() => undefined) }),
    openCrew: (crewPorts) => new InlineCrew(target, image.map, { table: image.map, frames, ...crewPorts }),
    strategy: options.strategy,
    segmentBytes: options.segmentBytes,
    provisioning: options.provisioning,
  };
  return flashPacked(order, ports, options.signal ?? never);
}

const headIsZero = (disk: Buffer): boolean => disk.subarray(0, MARGIN_BYTES).every((byte) => byte === 0);
const tailIsZero = (disk: Buffer): boolean => disk.subarray(-MARGIN_BYTES).every((byte) => byte === 0);
const endsAreZero = (disk: Buffer): boolean => headIsZero(disk) && tailIsZero(disk);

/** A disk that holds parts of the image, and dirt elsewhere. */
function dirtyDisk(image: Buffer, diskBytes: number, share: number, seed: number): Buffer {
  const disk = patchwork(diskBytes, seed + 1, 0.2);
  for (let at = 0; at < image.length; at += 50_000) {
    const mixed = (Math.imul(at + 1, 2654435761) ^ seed) >>> 0;
    if ((mixed % 1000) / 1000 < share) image.copy(disk, at, at, at + 50_000);
  }
  return disk;
}

const shapes = fc.record({
  imageBytes: fc.oneof(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 1, max: 5 * MIB })),
  moreSectors: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 5, max: 8000 })),
  gpt: fc.boolean(),
  chunkBytes: fc.constantFrom(4096, 65_536, 262_144, 4 * MIB),
  segmentBytes: fc.constantFrom(128 * 1024, MIB, 8 * MIB),
  strategy: fc.constantFrom(undefined, 'compare' as const, 'write-through' as const),
  verify: fc.constantFrom('full' as const, 'written' as const, 'off' as const),
  share: fc.constantFrom(0, 0.5, 0.97, 1),
  seed: fc.integer(),
});
type Shape = typeof shapes extends fc.Arbitrary<infer S> ? S : never;

function build({ imageBytes, moreSectors, gpt, chunkBytes, share, seed }: Shape) {
  const sectors = Math.max(100, Math.ceil(imageBytes / SECTOR));
  const raw = gpt
    ? buildGptImage({ sizeBytes: sectors * SECTOR, fill: (bytes) => void patchwork(bytes.length, seed).copy(bytes) })
    : patchwork(imageBytes, seed);
  const diskBytes = (Math.ceil(raw.length / SECTOR) + moreSectors) * SECTOR;
  return { raw, image: packImage(raw, { chunkBytes }), before: dirtyDisk(raw, diskBytes, share, seed) };
}

describe('a flash', () => {
  it('makes any disk equal to the expected disk, whatever it held, whatever the image and its chunks', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        const { raw, image, before } = build(shape);
        const target = new MemoryTarget(before);
        const report = await run(target, image, shape);
        expect(target.medium.equals(expected(raw, before))).toBe(true);
        expect(report.plan.gpt === 'relocated').toBe(shape.gpt && shape.moreSectors > 0);
        const wiped = before.length - Math.max(raw.length, Math.max(before.length - MARGIN_BYTES, 0));
        expect(report.skippedBytes + report.writtenBytes + report.zeroedBytes).toBe(raw.length + wiped);
        if (shape.verify === 'full') expect(report.verifiedBytes).toBe(raw.length + wiped);
        if (shape.verify === 'off') expect(report.verifiedBytes).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('that was cut off anywhere leaves a disk that does not boot; the next one completes it and rewrites nothing right', async () => {
    const crashes = fc.record({
      shape: shapes,
      nth: fc.integer({ min: 0, max: 60 }),
      lost: fc.nat(),
      power: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(crashes, async ({ shape, nth, lost, power }) => {
        const { raw, image, before } = build(shape);
        const target = new MemoryTarget(before);
        let writes = 0;
        target.beforeWrite = () => {
          writes += 1;
          if (writes > nth) throw new BtyError('DISK_IO', 'crash');
        };
        const crashed = await run(target, image, shape).then(
          () => false,
          () => true,
        );
        const left = target.afterPowerLoss((index) => !power || ((lost >> (index % 31)) & 1) === 1);
        if (crashed && nth > 0 && target.flushes > 0) expect(headIsZero(left.subarray(0, raw.length))).toBe(true);
        const resumed = new MemoryTarget(left);
        await run(resumed, image, { ...shape, strategy: 'compare' });
        const whole = expected(raw, before);
        expect(resumed.medium.equals(whole)).toBe(true);
        expect(rewritten(resumed, left, whole, shape.chunkBytes)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  /** Chunks of the body that were written although the disk held them already. */
  function rewritten({ writes }: MemoryTarget, before: Buffer, after: Buffer, chunkBytes: number): number[] {
    const tailStart = before.length - MARGIN_BYTES;
    return writes.flatMap(({ offsetBytes, lengthBytes }) => {
      const chunks: number[] = [];
      for (let at = offsetBytes; at < offsetBytes + lengthBytes; at += chunkBytes) {
        const end = Math.min(at + chunkBytes, offsetBytes + lengthBytes);
        const body = at >= MARGIN_BYTES && end <= tailStart;
        if (body && before.subarray(at, end).equals(after.subarray(at, end))) chunks.push(at);
      }
      return chunks;
    });
  }

  it('writes through in an order that lets the next one find what is done, also when it does not compare all', async () => {
    const raw = patchwork(6 * MIB, 3, 0.3);
    const image = packImage(raw);
    for (let nth = 2; nth < 24; nth += 1) {
      const before = patchwork(8 * MIB, 11, 0);
      const target = new MemoryTarget(before);
      let writes = 0;
      target.beforeWrite = () => {
        writes += 1;
        if (writes > nth) throw new BtyError('DISK_IO', 'crash');
      };
      const options = { strategy: 'write-through', segmentBytes: 512 * 1024, verify: 'off' } as const;
      await failure(run(target, image, options));
      const left = target.afterPowerLoss(() => true);
      const resumed = new MemoryTarget(left);
      await run(resumed, image, options);
      expect(resumed.medium.equals(expected(raw, before))).toBe(true);
      expect(rewritten(resumed, left, expected(raw, before), 65_536)).toEqual([]);
    }
  });
});

describe('a disk that holds the image already', () => {
  const raw = buildGptImage({ sizeBytes: 6 * MIB, fill: (bytes) => void patchwork(bytes.length, 5).copy(bytes) });
  const image = packImage(raw);
  const right = expected(raw, patchwork(9 * MIB, 6, 0));

  it.each(['full', 'written', 'off'] as const)('is not written at all, with verify %s', async (verify) => {
    const target = new MemoryTarget(right);
    const stages: FlashStage[] = [];
    let granted = 0;
    const report = await run(target, image, {
      verify,
      onStage: (stage) => void stages.push(stage),
      commit: async () => {
        granted += 1;
      },
    });
    expect(target.writes).toEqual([]);
    expect(target.flushes).toBe(0);
    expect(stages).toEqual(['preparing', 'comparing', 'committing']);
    expect(granted).toBe(1);
    expect(report).toMatchObject({ writtenBytes: 0, zeroedBytes: 0, strategy: 'compare' });
    expect(report.verifiedBytes).toBe(verify === 'full' ? raw.length + MIB : 0);
  });

  it('but for its head, gets its head alone, and last', async () => {
    const before = Buffer.from(right);
    before.fill(0x77, 3000, 5000);
    const target = new MemoryTarget(before);
    await run(target, image);
    expect(target.medium.equals(right)).toBe(true);
    expect(target.writes).toEqual([
      { offsetBytes: 0, lengthBytes: MIB },
      { offsetBytes: 0, lengthBytes: MIB },
    ]);
  });

  it('but for a head of zeros, as a cut-off flash leaves it, is not blanked again', async () => {
    const before = Buffer.from(right);
    before.fill(0, 0, MIB);
    const target = new MemoryTarget(before);
    await run(target, image);
    expect(target.medium.equals(right)).toBe(true);
    expect(target.writes).toEqual([{ offsetBytes: 0, lengthBytes: MIB }]);
  });

  it('but for one byte of the body, fetches that chunk alone', async () => {
    const before = Buffer.from(right);
    before[3 * MIB + 5] = (before[3 * MIB + 5] ?? 0) ^ 1;
    const target = new MemoryTarget(before);
    const pack = new MemoryPack(image.pack);
    const report = await run(target, image, { pack, verify: 'written' });
    expect(target.medium.equals(right)).toBe(true);
    expect(target.writes.filter(({ offsetBytes }) => offsetBytes === 3 * MIB)).toEqual([
      { offsetBytes: 3 * MIB, lengthBytes: 65_536 },
    ]);
    expect(report.writtenBytes).toBe(65_536 + 2 * MIB);
  });
});

describe('the order of a flash', () => {
  const raw = buildGptImage({ sizeBytes: 5 * MIB, fill: (bytes) => void patchwork(bytes.length, 8, 0).copy(bytes) });
  const image = packImage(raw);
  const before = patchwork(8 * MIB, 9, 0);

  it('goes through its stages, each with progress of its own up to the whole', async () => {
    const stages: FlashStage[] = [];
    const progress: [number, number][] = [];
    await run(new MemoryTarget(before), image, {
      onStage: (stage) => void stages.push(stage),
      onProgress: (done, total) => void progress.push([done, total]),
    });
    expect(stages).toEqual(['preparing', 'writing', 'flushing', 'verifying', 'committing']);
    expect(progress.length).toBeGreaterThan(0);
    expect(progress.filter(([done, total]) => done > total)).toEqual([]);
  });

  it('keeps head and backup table from the disk until the body is proved, and the head until the grant', async () => {
    const target = new MemoryTarget(before);
    let atVerify: Buffer | undefined;
    let atGrant: Buffer | undefined;
    await run(target, image, {
      onStage: (stage) => {
        if (stage === 'verifying') atVerify = Buffer.from(target.medium);
      },
      commit: async () => {
        atGrant = Buffer.from(target.medium);
      },
    });
    const whole = expected(raw, before);
    expect(headIsZero(atVerify ?? before)).toBe(true);
    expect(atVerify?.subarray(7 * MIB).every((byte) => byte === 0)).toBe(true);
    expect(headIsZero(atGrant ?? before)).toBe(true);
    expect(atGrant?.subarray(MIB).equals(whole.subarray(MIB))).toBe(true);
    expect(target.medium.equals(whole)).toBe(true);
  });
});

describe('a damaged frame', () => {
  const raw = patchwork(5 * MIB, 4, 0);
  const image = packImage(raw);
  const before = patchwork(6 * MIB, 5, 0);
  const chunk = 40;

  /** Flips a bit of one frame whenever it arrives, that many times. */
  function flipping(times: number, byteOfFrame: number): MemoryPack {
    const pack = new MemoryPack(image.pack);
    const at = image.map.frame(chunk).offsetBytes + byteOfFrame;
    let left = times;
    pack.beforeArrival = (bytes, offsetBytes) => {
      const place = at - offsetBytes;
      if (place < 0 || place >= bytes.length || left === 0) return;
      left -= 1;
      bytes[place] = (bytes[place] ?? 0) ^ 0x10;
    };
    return pack;
  }

  it.each([0, 9, 14])('is fetched again, alone, when byte %i of it was flipped on the way', async (byte) => {
    const target = new MemoryTarget(before);
    const pack = flipping(2, byte);
    const retries: string[] = [];
    await run(target, image, { pack, strategy: 'compare', onRetry: (reason) => void retries.push(reason) });
    expect(target.medium.equals(expected(raw, before))).toBe(true);
    expect(retries).toHaveLength(2);
    expect(pack.fetches.filter(({ offsetBytes }) => offsetBytes === image.map.frame(chunk).offsetBytes)).toHaveLength(
      2,
    );
  });

  it('fails the flash with its place when it comes damaged again and again', async () => {
    const target = new MemoryTarget(before);
    const error = await failure(run(target, image, { pack: flipping(9, 12) }));
    expect(error).toMatchObject({
      code: 'DIGEST_MISMATCH',
      details: { chunk, offset_bytes: chunk * 65_536, partial_write: true },
    });
    expect(headIsZero(target.medium)).toBe(true);
  });

  it('that decompresses to other bytes than the map says is never written', async () => {
    const other = packImage(patchwork(5 * MIB, 77, 0));
    const target = new MemoryTarget(before);
    const error = await failure(run(target, { ...image, pack: other.pack }));
    expect(error.code).toBe('DIGEST_MISMATCH');
    expect(target.writes).toEqual([]);
  });
});

describe('a chunk that does not come back as it was written', () => {
  const raw = patchwork(5 * MIB, 4, 0.1);
  const image = packImage(raw);

  it.each(['full', 'written'] as const)('is fetched and written once more (%s)', async (verify) => {
    const before = patchwork(6 * MIB, 5, 0);
    const target = new MemoryTarget(before);
    const pack = new MemoryPack(image.pack);
    const told: string[] = [];
    const onStage = (stage: FlashStage): void => {
      if (stage === 'verifying') for (const place of [MIB, 2 * MIB, 3 * MIB]) target.corrupt(place + 77);
    };
    const report = await run(target, image, { verify, onStage, pack, onRetry: (reason) => void told.push(reason) });
    expect(target.medium.equals(expected(raw, before))).toBe(true);
    expect(told).toEqual([expect.stringMatching(/does not give back.* byte 1048576 .*fetched and written again/)]);
    const again = pack.fetches.slice(-3).map(({ offsetBytes }) => offsetBytes);
    const chunks = [MIB, 2 * MIB, 3 * MIB].map((place) => place / 65_536);
    expect(again).toEqual(chunks.map((chunk) => image.map.frame(chunk).offsetBytes));
    expect(report.writtenBytes + report.zeroedBytes).toBe(6 * MIB);
  });
});

describe('a flash that fails after the first write leaves neither head nor tail', () => {
  const sizeBytes = 5 * MIB;
  const raw = buildGptImage({ sizeBytes, fill: (bytes) => void patchwork(sizeBytes, 4, 0.1).copy(bytes) });
  const image = packImage(raw);
  const dirt = (): MemoryTarget => new MemoryTarget(patchwork(6 * MIB, 5, 0));

  it('when the grant is refused', async () => {
    const target = dirt();
    const commit = async (): Promise<void> => {
      throw new BtyError('STALE_EPOCH', 'refused');
    };
    const error = await failure(run(target, image, { commit }));
    expect(error).toMatchObject({ code: 'STALE_EPOCH', details: { partial_write: true } });
    expect(error.message).toContain('Partial write');
    expect(endsAreZero(target.medium)).toBe(true);
  });

  it('when its provisioning fails', async () => {
    const target = dirt();
    const write = async (): Promise<void> => {
      expect(tailIsZero(target.medium)).toBe(false);
      throw new BtyError('WORKFLOW_FAILED', 'failed: step');
    };
    const provisioning = { check: () => undefined, write };
    expect(await failure(run(target, image, { provisioning }))).toMatchObject({ code: 'WORKFLOW_FAILED' });
    expect(endsAreZero(target.medium)).toBe(true);
  });

  it.each(['full', 'written'] as const)('when a written byte changes whenever it was written (%s)', async (verify) => {
    const target = dirt();
    const onStage = (stage: FlashStage): void => {
      if (stage !== 'verifying') return;
      target.corrupt(2 * MIB + 77);
      target.beforeRead = (offset, length) => {
        const written = target.writes.at(-1)?.offsetBytes === 2 * MIB;
        if (written && offset <= 2 * MIB && 2 * MIB < offset + length) target.corrupt(2 * MIB + 77);
      };
    };
    expect(await failure(run(target, image, { verify, onStage }))).toMatchObject({
      code: 'VERIFY_MISMATCH',
      details: { offset_bytes: 2 * MIB, lba: 4096, length_bytes: 65_536 },
    });
    expect(endsAreZero(target.medium)).toBe(true);
  });

  it('when a byte beside what was written changes whenever it was written: `full` sees it', async () => {
    const before = expected(raw, patchwork(6 * MIB, 5, 0));
    before[4 * MIB + 1] = (before[4 * MIB + 1] ?? 0) ^ 1;
    const target = new MemoryTarget(before);
    const beside = 4 * MIB + 65_536;
    target.afterWrite = (offset) => {
      if (offset === 4 * MIB || offset === beside) target.corrupt(beside);
    };
    expect(await failure(run(target, image))).toMatchObject({
      code: 'VERIFY_MISMATCH',
      details: { offset_bytes: beside },
    });
  });

  it('when a write fails, and says where', async () => {
    const target = dirt();
    target.beforeWrite = (offset, length) => {
      if (offset <= 3 * MIB && 3 * MIB < offset + length && offset > 0) {
        throw new BtyError('DISK_IO', 'LBA 6144', { details: { lba: 6144, errno: 'EIO' } });
      }
    };
    const error = await failure(run(target, image));
    expect(error).toMatchObject({ code: 'DISK_IO', details: { lba: 6144, errno: 'EIO', partial_write: true } });
    expect(endsAreZero(target.medium)).toBe(true);
  });

  it('when the head does not come back as it was written', async () => {
    const target = dirt();
    let granted = false;
    target.beforeRead = (offset) => {
      if (granted && offset === 0) target.corrupt(5);
    };
    const commit = async (): Promise<void> => {
      granted = true;
    };
    expect((await failure(run(target, image, { commit }))).code).toBe('VERIFY_MISMATCH');
    expect(endsAreZero(target.medium)).toBe(true);
  });

  it.each(['writing', 'verifying', 'committing'] as const)('when it is cancelled while %s', async (stage) => {
    const target = dirt();
    const abort = new AbortController();
    const onStage = (entered: FlashStage): void => {
      if (entered === stage) abort.abort(new BtyError('CANCELLED', 'enough'));
    };
    const error = await failure(run(target, image, { onStage, signal: abort.signal }));
    expect(error).toMatchObject({ code: 'CANCELLED', details: { partial_write: true } });
    expect(endsAreZero(target.medium)).toBe(true);
  });

  it('whereas one that is cancelled before leaves everything', async () => {
    const target = dirt();
    const abort = new AbortController();
    abort.abort(new BtyError('CANCELLED', 'enough'));
    const error = await failure(run(target, image, { signal: abort.signal }));
    expect(error).toMatchObject({ code: 'CANCELLED', details: {} });
    expect(target.writes).toEqual([]);
  });
});
