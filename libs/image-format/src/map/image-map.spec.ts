import { BtyError } from '@bty/wire-types';
import { blake3 } from '@napi-rs/blake-hash';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packOf } from '../pack/pack-of.builder.js';
import { ImageMap } from './image-map.js';
import { MapBuilder } from './map-builder.js';
import { MAP_FIELDS, MAP_HEADER_BYTES, RUN_BYTES } from './map-layout.js';

const CHUNK = 4096;
/** Chunks: zero, data, data, zero, data; the last is short. */
const disk = Buffer.alloc(4 * CHUNK + 512);
disk.fill('bty', CHUNK, 3 * CHUNK);
disk.fill('end', 4 * CHUNK);
const example = packOf(disk, CHUNK);

function refusal(bytes: Buffer): string {
  try {
    ImageMap.parse(bytes);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(BtyError);
    expect(thrown).toMatchObject({ code: 'IMAGE_INVALID' });
    return (thrown as BtyError).message;
  }
  return 'taken';
}

/** All that tells zeros from data says the same, in whatever order it is asked. */
function expectSameZeros(map: ImageMap): void {
  const chunks = Array.from({ length: map.chunkCount }, (_, chunk) => chunk);
  const data = chunks.filter((chunk) => !map.isZero(chunk));
  expect(chunks.toReversed().filter((chunk) => map.zerosFrom(chunk, 1) === 0)).toEqual(data.toReversed());
  for (const chunk of chunks) {
    const next = data.find((one) => one >= chunk) ?? map.chunkCount;
    for (const most of [1, 2, map.chunkCount]) expect(map.zerosFrom(chunk, most)).toBe(Math.min(most, next - chunk));
    for (const end of [chunk, chunk + 1, map.chunkCount]) {
      const runs = [...map.dataRuns(chunk, end)];
      const covered = runs.flatMap(({ firstChunk, chunkCount }) =>
        Array.from({ length: chunkCount }, (_, index) => firstChunk + index),
      );
      expect(covered).toEqual(data.filter((one) => one >= chunk && one < end));
    }
  }
}

/** What readers of a map rely on, whoever wrote it: every frame inside the pack, in order, and every chunk on the disk. */
function expectSound(map: ImageMap): void {
  let packEnd = 0;
  let dataChunks = 0;
  for (let chunk = 0; chunk < map.chunkCount; chunk += 1) {
    const { offsetBytes, lengthBytes } = map.chunkRange(chunk);
    expect(lengthBytes > 0 && offsetBytes + lengthBytes <= map.contentBytes).toBe(true);
    if (map.isZero(chunk)) continue;
    const frame = map.frame(chunk);
    const follows = chunk > 0 && !map.isZero(chunk - 1);
    expect(follows ? frame.offsetBytes === packEnd : frame.offsetBytes >= packEnd).toBe(true);
    expect(frame.lengthBytes > 0 && frame.lengthBytes <= map.chunkBytes + 1024).toBe(true);
    packEnd = frame.offsetBytes + frame.lengthBytes;
    expect(map.digest(chunk)).toHaveLength(32);
    dataChunks += 1;
  }
  expect(dataChunks).toBe(map.dataChunkCount);
  expectSameZeros(map);
  expect(packEnd).toBeLessThan(map.pack.sizeBytes);
}

describe('ImageMap', () => {
  it('tells zero chunks from data, and where each lies on the disk', () => {
    const map = ImageMap.parse(example.map);
    expect([0, 1, 2, 3, 4].map((chunk) => map.isZero(chunk))).toEqual([true, false, false, true, false]);
    expect(map.chunkRange(4)).toEqual({ offsetBytes: 4 * CHUNK, lengthBytes: 512 });
    expect(map.digest(2).equals(blake3(disk.subarray(2 * CHUNK, 3 * CHUNK)))).toBe(true);
    expect(map).toMatchObject({ chunkBytes: CHUNK, contentBytes: disk.length, chunkCount: 5, dataChunkCount: 3 });
    expectSound(map);
  });

  it('knows no digest and no frame of a zero chunk, and nothing beyond the disk', () => {
    const map = ImageMap.parse(example.map);
    expect(() => map.digest(0)).toThrow(RangeError);
    expect(() => map.frame(3)).toThrow(RangeError);
    for (const chunk of [-1, 5, Number.NaN]) {
      expect(() => map.isZero(chunk)).toThrow(RangeError);
      expect(() => map.zerosFrom(chunk, 1)).toThrow(RangeError);
      expect(() => map.chunkRange(chunk)).toThrow(RangeError);
    }
  });

  it('holds a disk of zeros alone', () => {
    const { map } = packOf(Buffer.alloc(3 * CHUNK), CHUNK);
    expect(map).toHaveLength(MAP_HEADER_BYTES);
    expect(ImageMap.parse(map)).toMatchObject({ chunkCount: 3, dataChunkCount: 0 });
  });

  it('needs a digest for data alone: a sparse disk of 1 PiB has a small map', () => {
    const builder = new MapBuilder(2 ** 20);
    builder.zeros(2 ** 29);
    builder.data(Buffer.alloc(32, 1), 12, 400);
    builder.zeros(2 ** 29 - 1);
    const digest = '0'.repeat(64);
    const pack = { digest, sizeBytes: 1000 };
    const facts = { contentBytes: 2 ** 50, sha256: digest, contentSha256: digest, sectorBytes: 4096, pack };
    const map = ImageMap.parse(builder.encode(facts));
    expect(map.isZero(2 ** 29)).toBe(false);
    expect(map.frame(2 ** 29)).toEqual({ offsetBytes: 12, lengthBytes: 400 });
    expect([map.isZero(2 ** 29 - 1), map.isZero(2 ** 30 - 1)]).toEqual([true, true]);
    expect(map.sectorBytes).toBe(4096);
  });
});

describe('a map that is not one', () => {
  const firstRun = MAP_HEADER_BYTES;
  const secondRun = MAP_HEADER_BYTES + RUN_BYTES;
  const lengths = example.map.length - 3 * 4;

  it.each<[string, (map: Buffer) => void, RegExp]>([
    ['another magic', (map) => map.writeUInt8(0, 0), /begin like a map/],
    ['a later version', (map) => map.writeUInt32LE(2, MAP_FIELDS.version), /version 2/],
    ['chunks of no power of two', (map) => map.writeUInt32LE(5000, MAP_FIELDS.chunkBytes), /chunk_bytes is 5000/],
    ['chunks of 2 KiB', (map) => map.writeUInt32LE(2048, MAP_FIELDS.chunkBytes), /chunk_bytes is 2048/],
    ['chunks of 8 MiB', (map) => map.writeUInt32LE(2 ** 23, MAP_FIELDS.chunkBytes), /chunk_bytes is 8388608/],
    ['an empty disk', (map) => map.writeBigUInt64LE(0n, MAP_FIELDS.contentBytes), /content_bytes is 0/],
    [
      'more chunks than a map holds',
      (map) => map.writeBigUInt64LE(2n ** 43n, MAP_FIELDS.contentBytes),
      /content_bytes/,
    ],
    ['a size beyond 2^53', (map) => map.writeBigUInt64LE(2n ** 60n, MAP_FIELDS.contentBytes), /content_bytes/],
    ['a pack beyond 2^53', (map) => map.writeBigUInt64LE(2n ** 60n, MAP_FIELDS.packBytes), /pack_bytes/],
    ['sectors of 520 bytes', (map) => map.writeUInt32LE(520, MAP_FIELDS.sectorBytes), /sector_bytes is 520/],
    ['a reserved field in use', (map) => map.writeUInt32LE(1, MAP_FIELDS.reserved), /reserved/],
    ['more runs than it has bytes', (map) => map.writeUInt32LE(0xffffffff, MAP_FIELDS.runCount), /header promises/],
    ['an empty run', (map) => map.writeUInt32LE(0, firstRun + 4), /run 0 says 0 chunks/],
    ['a run that leaves the disk', (map) => map.writeUInt32LE(2, secondRun + 4), /run 1 says 2 chunks/],
    ['runs that overlap', (map) => map.writeUInt32LE(2, secondRun), /run 1 says 1 chunks from chunk 2/],
    ['runs without zeros between', (map) => map.writeUInt32LE(3, secondRun), /run 1 says 1 chunks from chunk 3/],
    ['too many chunks in its runs', (map) => map.writeUInt32LE(3, firstRun + 4), /run 1/],
    ['too few chunks in its runs', (map) => map.writeUInt32LE(1, firstRun + 4), /fewer chunks/],
    ['no place for the frame of zeros', (map) => map.writeBigUInt64LE(0n, firstRun + 8), /run 0 begins at byte 0/],
    ['a run that overlaps in the pack', (map) => map.writeBigUInt64LE(20n, secondRun + 8), /run 1 begins at byte 20/],
    ['a place beyond 2^53', (map) => map.writeBigUInt64LE(2n ** 60n, secondRun + 8), /the place of run 1/],
    ['an empty frame', (map) => map.writeUInt32LE(0, lengths), /frame 0 has 0 bytes/],
    ['a frame that no chunk needs', (map) => map.writeUInt32LE(CHUNK + 1025, lengths), /frame 0 has 5121 bytes/],
    ['frames beyond the pack', (map) => map.writeBigUInt64LE(90n, MAP_FIELDS.packBytes), /the pack at 90/],
  ])('is refused for %s', (_what, damage, message) => {
    const map = Buffer.from(example.map);
    damage(map);
    expect(refusal(map)).toMatch(message);
  });

  it('is refused at every shorter length, and for one byte more', () => {
    for (let length = 0; length < example.map.length; length += 1) {
      expect(refusal(example.map.subarray(0, length))).toMatch(/has \d+ bytes/);
    }
    expect(refusal(Buffer.concat([example.map, Buffer.alloc(1)]))).toMatch(/header promises/);
  });

  it('is refused, or is sound, whatever its bytes are', () => {
    const flips = fc.array(fc.tuple(fc.nat(example.map.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(flips, (changes) => {
        const map = Buffer.from(example.map);
        for (const [at, byte] of changes) map[at] = byte;
        if (refusal(map) === 'taken' && ImageMap.parse(map).chunkCount < 1000) expectSound(ImageMap.parse(map));
      }),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => refusal(Buffer.from(bytes)) !== 'taken'));
  }, 60_000);
});
