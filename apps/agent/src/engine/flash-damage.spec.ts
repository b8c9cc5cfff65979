import { expected, MARGIN_BYTES } from '@bty/image-format';
import { BtyError, type FlashStage, type VerifyMode } from '@bty/wire-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InlineCrew } from '../crew/inline-crew.js';
import { StageClock } from './engine.js';
import { flashPacked } from './flash-packed.js';
import { MemoryPack } from './memory-pack.fake.js';
import { MemoryTarget } from './memory-target.fake.js';
import { packImage } from './packed-image.builder.js';
import { patchwork } from './patchwork.builder.js';

const MIB = 1024 * 1024;
const SECTOR = 512;
const RAW = patchwork(3 * MIB + 3 * SECTOR, 4);
const CHUNK_SIZES = [16_384, 65_536, MIB] as const;
const IMAGES = new Map(CHUNK_SIZES.map((chunkBytes) => [chunkBytes, packImage(RAW, { chunkBytes })]));
const never = new AbortController().signal;

const setups = fc.record({
  chunkBytes: fc.constantFrom(...CHUNK_SIZES),
  strategy: fc.constantFrom('compare' as const, 'write-through' as const),
  verify: fc.constantFrom<VerifyMode>('full', 'written'),
  place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});
type Setup = typeof setups extends fc.Arbitrary<infer S> ? S : never;

const imageOf = ({ chunkBytes }: Setup) => IMAGES.get(chunkBytes) as ReturnType<typeof packImage>;

interface Flash {
  target: MemoryTarget;
  pack: MemoryPack;
  onStage?: (stage: FlashStage) => void;
  /** The head itself cannot be written: that shows after the grant. */
  badHead?: boolean;
}

/** Flashes, and gives what went wrong; undefined when nothing did. Whatever goes wrong, the disk does not boot then. */
async function outcome(setup: Setup, { target, pack, onStage, badHead = false }: Flash): Promise<BtyError | undefined> {
  const { map } = imageOf(setup);
  let asked = false;
  const ports = {
    onProgress: () => undefined,
    log: () => undefined,
    commit: async () => {
      asked = true;
    },
    nowMs: () => 0,
  };
  const order = {
    target,
    table: map,
    frames: pack,
    ...setup,
    stages: new StageClock({ nowMs: () => 0, onStage: onStage ?? (() => undefined) }),
    openCrew: (crewPorts: { mayWrite(): Promise<void>; onRetry(reason: string): void }) =>
      new InlineCrew(target, map, { table: map, frames: pack, ...crewPorts }),
    segmentBytes: MIB,
  };
  try {
    await flashPacked(order, ports, never);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(BtyError);
    expect(asked).toBe(badHead && asked);
    const head = target.medium.subarray(0, MARGIN_BYTES);
    if (target.writes.length === 0) expect(target.medium.equals(DIRT)).toBe(true);
    else expect(head.every((byte) => byte === 0) || target.flushes === 0).toBe(true);
    return error as BtyError;
  }
}

const DIRT = patchwork(4 * MIB, 5, 0.1);
const RIGHT = expected(RAW, DIRT);
const flip = (bytes: Buffer, at: number): void => {
  bytes[at] = (bytes[at] ?? 0) ^ 0x20;
};

describe('whatever byte is damaged, a flash makes the disk right or says what is wrong:', () => {
  it('a byte of the pack, on the way, some of the times that it comes, or always', async () => {
    await fc.assert(
      fc.asyncProperty(setups, fc.constantFrom(1, 2, 100), async (setup, times) => {
        const { pack: bytes, map } = imageOf(setup);
        const damaged = Math.floor(setup.place * bytes.length);
        const target = new MemoryTarget(DIRT);
        const pack = new MemoryPack(bytes);
        let left: number = times;
        pack.beforeArrival = (part, offsetBytes) => {
          if (damaged < offsetBytes || damaged >= offsetBytes + part.length || left === 0) return;
          left -= 1;
          flip(part, damaged - offsetBytes);
        };
        const error = await outcome(setup, { target, pack });
        if (error === undefined) expect(target.medium.equals(RIGHT)).toBe(true);
        else {
          expect(times).toBe(100);
          const chunk = Number(error.details.chunk);
          const frame = map.frame(chunk);
          expect(error.code).toBe('DIGEST_MISMATCH');
          expect(damaged).toBeGreaterThanOrEqual(frame.offsetBytes);
          expect(damaged).toBeLessThan(frame.offsetBytes + frame.lengthBytes);
          expect(error.details.offset_bytes).toBe(chunk * setup.chunkBytes);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('a byte of the body on the disk, between its writing and its reading back', async () => {
    await fc.assert(
      fc.asyncProperty(setups, async (setup) => {
        const target = new MemoryTarget(DIRT);
        const at = MIB + Math.floor(setup.place * (RAW.length - MIB));
        let wasWritten = false;
        const onStage = (stage: FlashStage): void => {
          if (stage !== 'verifying') return;
          wasWritten = target.writes.some(
            ({ offsetBytes, lengthBytes }) => offsetBytes <= at && at < offsetBytes + lengthBytes,
          );
          target.corrupt(at);
        };
        const error = await outcome(setup, { target, pack: new MemoryPack(imageOf(setup).pack), onStage });
        if (error === undefined) {
          // `written` reads back what was written, and nothing else; at the end of the disk all is written again
          expect(setup.verify === 'written' && !wasWritten ? true : target.medium.equals(RIGHT)).toBe(true);
          return;
        }
        expect(error.code).toBe('VERIFY_MISMATCH');
        const offset = Number(error.details.offset_bytes);
        expect(offset).toBeLessThanOrEqual(at);
        expect(at).toBeLessThan(offset + Number(error.details.length_bytes));
        expect(error.details.lba).toBe(offset / SECTOR);
      }),
      { numRuns: 25 },
    );
  });

  it('a sector that can be read no more, or written no more, from any moment on', async () => {
    const failures = fc.record({ read: fc.boolean(), after: fc.integer({ min: 0, max: 40 }) });
    await fc.assert(
      fc.asyncProperty(setups, failures, async (setup, { read, after }) => {
        const target = new MemoryTarget(DIRT);
        const bad = Math.floor((setup.place * target.sizeBytes) / SECTOR) * SECTOR;
        let left = after;
        const fail = (offsetBytes: number, lengthBytes: number): void => {
          if (bad < offsetBytes || bad >= offsetBytes + lengthBytes || left-- > 0) return;
          throw new BtyError('DISK_IO', 'the disk failed', { details: { errno: 'EIO', lba: bad / SECTOR } });
        };
        if (read) target.beforeRead = fail;
        else target.beforeWrite = fail;
        const pack = new MemoryPack(imageOf(setup).pack);
        const error = await outcome(setup, { target, pack, badHead: bad < MARGIN_BYTES });
        if (error === undefined) expect(target.medium.equals(RIGHT)).toBe(true);
        else expect(error).toMatchObject({ code: 'DISK_IO', details: { errno: 'EIO', lba: bad / SECTOR } });
      }),
      { numRuns: 40 },
    );
  });
});
