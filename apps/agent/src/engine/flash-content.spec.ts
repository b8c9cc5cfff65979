import { expected, type ImageContent, type ImagePiece, MARGIN_BYTES } from '@bty/image-format';
import { BtyError, type FlashStage, type VerifyMode } from '@bty/wire-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildGptImage } from '../../../../libs/image-format/src/gpt-image.builder.js';
import { InlineCrew } from '../crew/inline-crew.js';
import { checkContent } from './check-content.js';
import { type EngineReport, StageClock } from './engine.js';
import { flashContent } from './flash-content.js';
import { MemoryTarget } from './memory-target.fake.js';
import { patchwork } from './patchwork.builder.js';

const MIB = 1024 * 1024;
const SECTOR = 512;
const never = new AbortController().signal;

/** The image in pieces of a given size; zero runs as such where `sparse`. The memory of a piece is used again. */
function contentOf(image: Buffer, pieceBytes: number, sparse: boolean, sized = true): ImageContent {
  const memory = Buffer.alloc(pieceBytes);
  async function* pieces(): AsyncGenerator<ImagePiece> {
    for (let at = 0; at < image.length; at += pieceBytes) {
      const bytes = image.subarray(at, at + pieceBytes);
      if (sparse && bytes.every((byte) => byte === 0)) yield { offsetBytes: at, zeroBytes: bytes.length };
      else {
        bytes.copy(memory);
        yield { offsetBytes: at, bytes: memory.subarray(0, bytes.length) };
      }
    }
  }
  return { ...(sized ? { sizeBytes: image.length } : {}), pieces };
}

interface Options {
  verify?: VerifyMode;
  onStage?: (stage: FlashStage) => void;
  commit?: () => Promise<void>;
}

function run(target: MemoryTarget, content: ImageContent, options: Options = {}): Promise<EngineReport> {
  const ports = {
    onProgress: () => undefined,
    log: () => undefined,
    commit: options.commit ?? (async () => undefined),
    nowMs: () => 0,
  };
  const stages = new StageClock({ nowMs: () => 0, onStage: options.onStage ?? (() => undefined) });
  const openCrew = (table: ConstructorParameters<typeof InlineCrew>[1]) => new InlineCrew(target, table);
  return flashContent({ target, content, verify: options.verify ?? 'full', stages, openCrew }, ports, never);
}

const shapes = fc.record({
  imageBytes: fc.oneof(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 1, max: 6 * MIB })),
  moreSectors: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 5, max: 8000 })),
  gpt: fc.boolean(),
  piece: fc.constantFrom(65_536, 10_007, 3 * MIB),
  sparse: fc.boolean(),
  sized: fc.boolean(),
  kept: fc.constantFrom(0, 0.5, 1),
  verify: fc.constantFrom('full' as const, 'written' as const, 'off' as const),
  seed: fc.integer(),
});
type Shape = typeof shapes extends fc.Arbitrary<infer S> ? S : never;

function build({ imageBytes, moreSectors, gpt, kept, seed }: Shape): { image: Buffer; before: Buffer } {
  const sectors = Math.max(100, Math.ceil(imageBytes / SECTOR));
  const image = gpt
    ? buildGptImage({ sizeBytes: sectors * SECTOR, fill: (bytes) => void patchwork(bytes.length, seed).copy(bytes) })
    : patchwork(imageBytes, seed);
  const before = patchwork((Math.ceil(image.length / SECTOR) + moreSectors) * SECTOR, seed + 1, 0);
  image.copy(before, 0, 0, Math.floor(image.length * kept));
  return { image, before };
}

describe('a flash of an image without a map', () => {
  it('makes any disk equal to the expected disk, whatever it held and however the image comes', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        const { image, before } = build(shape);
        const target = new MemoryTarget(before);
        const report = await run(target, contentOf(image, shape.piece, shape.sparse, shape.sized), shape);
        expect(target.medium.equals(expected(image, before))).toBe(true);
        const wiped = before.length - Math.max(image.length, Math.max(before.length - MARGIN_BYTES, 0));
        expect(report.skippedBytes + report.writtenBytes + report.zeroedBytes).toBe(image.length + wiped);
        if (shape.verify === 'full') expect(report.verifiedBytes).toBe(image.length + wiped);
      }),
      { numRuns: 60 },
    );
  });

  it('that was cut off anywhere leaves a disk that does not boot, and the next one completes it', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.integer({ min: 0, max: 12 }), async (shape, nth) => {
        const { image, before } = build(shape);
        const target = new MemoryTarget(before);
        let writes = 0;
        target.beforeWrite = () => {
          writes += 1;
          if (writes > nth) throw new BtyError('DISK_IO', 'crash');
        };
        const content = contentOf(image, shape.piece, shape.sparse, shape.sized);
        await run(target, content, shape).catch(() => undefined);
        const left = target.afterPowerLoss(() => true);
        if (writes > nth && target.flushes > 0) {
          expect(left.subarray(0, Math.min(MARGIN_BYTES, image.length)).every((byte) => byte === 0)).toBe(true);
        }
        const resumed = new MemoryTarget(left);
        await run(resumed, contentOf(image, shape.piece, shape.sparse, shape.sized), shape);
        expect(resumed.medium.equals(expected(image, before))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('writes nothing to a disk that holds it', async () => {
    const image = patchwork(20 * MIB + 700, 3);
    const target = new MemoryTarget(expected(image, patchwork(24 * MIB, 4, 0)));
    const report = await run(target, contentOf(image, 65_536, true));
    expect(target.writes).toEqual([]);
    expect(report).toMatchObject({ writtenBytes: 0, zeroedBytes: 0, strategy: 'compare' });
  });

  it('does not touch the disk when the image fails before anything differs', async () => {
    const image = patchwork(20 * MIB, 3);
    const target = new MemoryTarget(image);
    const content: ImageContent = {
      pieces: async function* () {
        yield* contentOf(image.subarray(0, 15 * MIB), 65_536, false).pieces();
        throw new BtyError('IMAGE_TRUNCATED', 'cut');
      },
    };
    await expect(run(target, content)).rejects.toMatchObject({ code: 'IMAGE_TRUNCATED', details: {} });
    expect(target.writes).toEqual([]);
  });

  it('leaves no first MiB when the image fails later', async () => {
    const image = patchwork(20 * MIB, 3);
    const target = new MemoryTarget(patchwork(20 * MIB, 9, 0));
    const content: ImageContent = {
      pieces: async function* () {
        yield* contentOf(image.subarray(0, 15 * MIB), 65_536, false).pieces();
        throw new BtyError('IMAGE_TRUNCATED', 'cut');
      },
    };
    await expect(run(target, content)).rejects.toMatchObject({
      code: 'IMAGE_TRUNCATED',
      details: { partial_write: true },
    });
    expect(target.medium.subarray(0, MIB).every((byte) => byte === 0)).toBe(true);
  });

  it('sees a byte that changed between write and read-back', async () => {
    const image = patchwork(5 * MIB, 3, 0);
    const target = new MemoryTarget(patchwork(6 * MIB, 9, 0));
    const onStage = (stage: FlashStage): void => {
      if (stage === 'verifying') target.corrupt(2 * MIB + 7);
    };
    await expect(run(target, contentOf(image, 65_536, false), { onStage })).rejects.toMatchObject({
      code: 'VERIFY_MISMATCH',
      details: { offset_bytes: 2 * MIB, lba: 4096 },
    });
  });
});

describe('a check against an image without a map', () => {
  it('finds exactly the pages that differ, and writes nothing', async () => {
    const ports = { onProgress: () => undefined, log: () => undefined };
    await fc.assert(
      fc.asyncProperty(shapes, fc.array(fc.nat(), { maxLength: 5 }), async (shape, places) => {
        const { image, before } = build(shape);
        const disk = expected(image, before);
        const right = Buffer.from(disk);
        for (const place of places) disk[place % disk.length] = (disk[place % disk.length] ?? 0) ^ 0x11;
        const target = new MemoryTarget(disk);
        const content = contentOf(image, shape.piece, shape.sparse, shape.sized);
        const { ranges, differingBytes } = await checkContent(target, content, ports, never);
        for (const { offsetBytes, lengthBytes } of ranges) {
          for (let at = offsetBytes; at < offsetBytes + lengthBytes; at += 4096) {
            const end = Math.min(at + 4096, offsetBytes + lengthBytes);
            expect(disk.subarray(at, end).equals(right.subarray(at, end))).toBe(false);
          }
          right.copy(disk, offsetBytes, offsetBytes, offsetBytes + lengthBytes);
        }
        const wipeStart = Math.max(image.length, disk.length - MARGIN_BYTES);
        expect(disk.subarray(0, image.length).equals(right.subarray(0, image.length))).toBe(true);
        expect(disk.subarray(wipeStart).equals(right.subarray(wipeStart))).toBe(true);
        expect(differingBytes).toBe(ranges.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0));
        expect(target.writes).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });
});
