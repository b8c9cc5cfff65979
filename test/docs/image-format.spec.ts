import { readFileSync } from 'node:fs';
import { ChunkDecoder, ImageMap } from '@bty/image-format';
import { blake3 } from '@napi-rs/blake-hash';
import { describe, expect, it } from 'vitest';
import { packOf } from '../../libs/image-format/src/pack/pack-of.builder.js';

/** The example of docs/image-format.md: the pack and the map that its two hex dumps show, and the disk that it tells of. */
function example(): { pack: Buffer; map: Buffer; disk: Buffer } {
  const dumps = [
    ...readFileSync('docs/image-format.md', 'utf8').matchAll(/```\n((?:[0-9a-f]{4} {2}[0-9a-f ]+\n)+)```/g),
  ];
  const [pack, map] = dumps.map(([, dump = '']) =>
    Buffer.from(dump.replace(/^[0-9a-f]{4}/gm, '').replace(/\s/g, ''), 'hex'),
  );
  if (dumps.length !== 2 || pack === undefined || map === undefined) throw new Error('two hex dumps are expected');
  const disk = Buffer.alloc(12_800);
  disk.fill('bty ', 4096, 8192);
  disk.fill('end\n', 12_288);
  return { pack, map, disk };
}

describe('the example of docs/image-format.md', () => {
  it('is what a reader makes the disk of', () => {
    const { pack, map: bytes, disk } = example();
    const map = ImageMap.parse(bytes);
    expect(map).toMatchObject({ chunkBytes: 4096, contentBytes: disk.length, sectorBytes: undefined });
    expect(map.pack).toEqual({ digest: blake3(pack).toString('hex'), sizeBytes: pack.length });
    for (let chunk = 0; chunk < map.chunkCount; chunk += 1) {
      const { offsetBytes, lengthBytes } = map.chunkRange(chunk);
      const wanted = disk.subarray(offsetBytes, offsetBytes + lengthBytes);
      const into = Buffer.alloc(lengthBytes);
      if (!map.isZero(chunk)) {
        const frame = map.frame(chunk);
        new ChunkDecoder().decode(pack.subarray(frame.offsetBytes, frame.offsetBytes + frame.lengthBytes), into);
      }
      expect(into.equals(wanted)).toBe(true);
    }
  });

  it('is what this bty writes', () => {
    const { pack, map, disk } = example();
    expect(packOf(disk, 4096, 3)).toEqual({ pack, map });
  });
});
