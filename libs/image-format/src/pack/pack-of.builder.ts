import { createHash } from 'node:crypto';
import { blake3 } from '@napi-rs/blake-hash';
import { ChunkEncoder } from './chunk-frame.js';
import { PackWriter } from './pack-writer.js';

/** The pack and the map of a raw disk in memory, for tests. */
export function packOf(disk: Buffer, chunkBytes: number, level = 1): { pack: Buffer; map: Buffer } {
  const writer = new PackWriter(chunkBytes);
  const encoder = new ChunkEncoder(level);
  const frame = Buffer.alloc(ChunkEncoder.boundBytes(chunkBytes));
  const parts: Uint8Array[] = [];
  for (let at = 0; at < disk.length; at += chunkBytes) {
    const chunk = disk.subarray(at, at + chunkBytes);
    if (chunk.every((byte) => byte === 0)) writer.zeros(chunk.length);
    else {
      const compressed = Buffer.from(frame.subarray(0, encoder.encode(chunk, frame)));
      parts.push(...writer.data(chunk.length, blake3(chunk), compressed));
    }
  }
  const sha256 = createHash('sha256').update(disk).digest('hex');
  const { rest, map } = writer.end({ sha256, contentSha256: sha256, sectorBytes: undefined });
  return { pack: Buffer.concat([...parts, ...rest]), map };
}
