import type { ByteStream, ImageContent, RandomAccess } from '../src/index.js';

/** Bytes in memory; throws when asked for anything outside, and remembers how much was read. */
export class MemorySource implements RandomAccess {
  readBytes = 0;

  constructor(private readonly bytes: Buffer) {}

  get sizeBytes(): number {
    return this.bytes.length;
  }

  async read(offsetBytes: number, lengthBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted();
    const inside = Number.isSafeInteger(offsetBytes) && offsetBytes >= 0 && lengthBytes > 0;
    if (!inside || offsetBytes + lengthBytes > this.bytes.length) {
      throw new RangeError(`read of ${lengthBytes} bytes at ${offsetBytes} of ${this.bytes.length}`);
    }
    this.readBytes += lengthBytes;
    return Buffer.from(this.bytes.subarray(offsetBytes, offsetBytes + lengthBytes));
  }
}

/** A stream of the bytes in chunks of one size; the chunk's memory is overwritten when the next is asked for. */
export function streamOf(bytes: Buffer, chunkBytes = 64 * 1024): ByteStream {
  return async function* () {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      const chunk = Buffer.from(bytes.subarray(at, at + chunkBytes));
      yield chunk;
      chunk.fill(0xee);
    }
  };
}

/** Puts the pieces together; throws when they do not tile the disk. */
export async function expand(content: ImageContent, signal?: AbortSignal): Promise<Buffer> {
  const parts: Buffer[] = [];
  let end = 0;
  for await (const piece of content.pieces(signal)) {
    if (piece.offsetBytes !== end) throw new Error(`piece at ${piece.offsetBytes}, expected ${end}`);
    const part = 'bytes' in piece ? Buffer.from(piece.bytes) : Buffer.alloc(piece.zeroBytes);
    if (part.length === 0) throw new Error(`empty piece at ${end}`);
    parts.push(part);
    end += part.length;
  }
  return Buffer.concat(parts);
}
