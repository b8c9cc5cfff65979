import { blake3 } from '@napi-rs/blake-hash';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { zstdContent } from '../index.js';
import { ImageMap } from '../map/image-map.js';
import { ChunkDecoder } from './chunk-frame.js';
import { packOf } from './pack-of.builder.js';
import { PackWriter } from './pack-writer.js';
import { MAX_ZERO_FRAME_BYTES, zeroFrame } from './zero-frame.js';

/** Disks of stretches that are zeros, text, noise or zeros with a single byte of data, with any length. */
const disks = fc
  .array(fc.tuple(fc.constantFrom('zeros', 'text', 'noise', 'speck'), fc.integer({ min: 1, max: 30_000 })), {
    minLength: 1,
    maxLength: 8,
  })
  .map((stretches) =>
    Buffer.concat(
      stretches.map(([kind, bytes], index) => {
        const part = Buffer.alloc(bytes, kind === 'text' ? `stretch ${index} ` : 0);
        if (kind === 'speck') part[bytes >> 1] = 1;
        if (kind === 'noise') for (let at = 0; at < bytes; at += 1) part[at] = (at * at * 31 + index) >> 5;
        return part;
      }),
    ),
  );
const chunkSizes = fc.constantFrom(4096, 8192, 65536, 4 * 1024 * 1024);

/** The disk by the map alone, as an agent makes it. */
function byMap(map: ImageMap, pack: Buffer): Buffer {
  const disk = Buffer.alloc(map.contentBytes);
  const decoder = new ChunkDecoder();
  for (let chunk = 0; chunk < map.chunkCount; chunk += 1) {
    if (map.isZero(chunk)) continue;
    const range = map.chunkRange(chunk);
    const frame = map.frame(chunk);
    const into = disk.subarray(range.offsetBytes, range.offsetBytes + range.lengthBytes);
    decoder.decode(pack.subarray(frame.offsetBytes, frame.offsetBytes + frame.lengthBytes), into);
    expect(blake3(into).equals(map.digest(chunk))).toBe(true);
  }
  return disk;
}

/** The disk by the pack alone, as any zstd decoder makes it. */
async function byPack(pack: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [];
  const content = zstdContent(
    async function* () {
      yield pack;
    },
    { maxBytes: 2 ** 40 },
  );
  for await (const piece of content.pieces()) if ('bytes' in piece) parts.push(Buffer.from(piece.bytes));
  return Buffer.concat(parts);
}

describe('a pack', () => {
  it('gives the disk, by its map and by itself, for any disk and any chunk size', async () => {
    await fc.assert(
      fc.asyncProperty(disks, chunkSizes, async (disk, chunkBytes) => {
        const { pack, map: bytes } = packOf(disk, chunkBytes);
        const map = ImageMap.parse(bytes);
        expect(map).toMatchObject({ chunkBytes, contentBytes: disk.length, sectorBytes: undefined });
        expect(map.pack).toEqual({ digest: blake3(pack).toString('hex'), sizeBytes: pack.length });
        expect(byMap(map, pack).equals(disk)).toBe(true);
        expect((await byPack(pack)).equals(disk)).toBe(true);
      }),
    );
  }, 60_000);

  it('has frames that never give other bytes for a wrong bit', () => {
    const disk = Buffer.alloc(4096, 'the pack is checked, frame by frame. ');
    const { pack, map: bytes } = packOf(disk, 4096);
    const { offsetBytes, lengthBytes } = ImageMap.parse(bytes).frame(0);
    const decoder = new ChunkDecoder();
    const into = Buffer.alloc(4096);
    let taken = 0;
    for (let bit = 0; bit < lengthBytes * 8; bit += 1) {
      const frame = Buffer.from(pack.subarray(offsetBytes, offsetBytes + lengthBytes));
      frame[bit >> 3] = (frame[bit >> 3] as number) ^ (1 << (bit & 7));
      try {
        decoder.decode(frame, into);
        taken += 1;
        expect(into.equals(disk)).toBe(true);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'IMAGE_INVALID' });
      }
    }
    // the one bit of a frame's header that RFC 8878 leaves unused
    expect(taken).toBe(1);
  });

  it('has no frame that fills a chunk of another size', () => {
    const { pack, map: bytes } = packOf(Buffer.alloc(4096, 1), 4096);
    const { offsetBytes, lengthBytes } = ImageMap.parse(bytes).frame(0);
    const frame = pack.subarray(offsetBytes, offsetBytes + lengthBytes);
    expect(() => new ChunkDecoder().decode(frame, Buffer.alloc(4095))).toThrow(/damaged/);
    expect(() => new ChunkDecoder().decode(frame, Buffer.alloc(4097))).toThrow(/holds 4096 bytes, its chunk 4097/);
  });

  it('spends 4 KiB on 128 MiB of zeros, in one frame for all chunks of a run', () => {
    const writer = new PackWriter(65536);
    for (let chunk = 0; chunk < 3000; chunk += 1) writer.zeros(65536);
    const { rest } = writer.end({ sha256: '0'.repeat(64), contentSha256: '0'.repeat(64), sectorBytes: undefined });
    expect(rest.map(({ length }) => length)).toEqual([4106, (3000 * 65536 - MAX_ZERO_FRAME_BYTES) / 32768 + 10, 33]);
  });
});

describe('zeroFrame', () => {
  it('decompresses to as many zeros as it says', () => {
    const into = Buffer.alloc(300_000, 1);
    for (const length of [1, 511, 131_072, 131_073, 300_000]) {
      new ChunkDecoder().decode(zeroFrame(length), into.subarray(0, length));
      expect(into.subarray(0, length).every((byte) => byte === 0)).toBe(true);
      into.fill(1);
    }
    expect(() => zeroFrame(0)).toThrow(RangeError);
    expect(() => zeroFrame(MAX_ZERO_FRAME_BYTES + 1)).toThrow(RangeError);
  });
});
