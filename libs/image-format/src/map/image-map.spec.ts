import { blake3 } from '@napi-rs/blake-hash';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkDecoder } from '../pack/chunk-frame.js';
import { packOf } from '../pack/pack-of.builder.js';
import { ImageMap } from './image-map.js';

/** Disks of stretches that are zeros, text, noise or a little of each, with any length. */
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

function expand(map: ImageMap, pack: Buffer): Buffer {
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

describe('ImageMap', () => {
  it('leads from any chunk of any disk to its bytes, its digest and its place', () => {
    fc.assert(
      fc.property(disks, chunkSizes, (disk, chunkBytes) => {
        const { pack, map: bytes } = packOf(disk, chunkBytes);
        const map = ImageMap.parse(bytes);
        expect(map).toMatchObject({ chunkBytes, contentBytes: disk.length, sectorBytes: undefined });
        expect(map.chunkCount).toBe(Math.ceil(disk.length / chunkBytes));
        expect(map.pack).toEqual({ digest: blake3(pack).toString('hex'), sizeBytes: pack.length });
        expect(expand(map, pack).equals(disk)).toBe(true);
      }),
    );
  });
});
