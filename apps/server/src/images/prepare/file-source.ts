import { createHash, type Hash } from 'node:crypto';
import { readSync } from 'node:fs';
import type { ByteStream, RandomAccess } from '@bty/image-format';

/** Fits the caches of a core: each part is hashed and copied right after it was read. */
const READ_BYTES = 256 * 1024;

/** An open file, read by a thread that has nothing else to do meanwhile: reads are synchronous. `goOn` throws when it is to stop. */
export class FileSource implements RandomAccess {
  constructor(
    private readonly descriptor: number,
    readonly sizeBytes: number,
    private readonly goOn: () => void,
  ) {}

  async read(offsetBytes: number, lengthBytes: number, signal?: AbortSignal, into?: Uint8Array): Promise<Uint8Array> {
    signal?.throwIfAborted();
    return this.readNow(offsetBytes, lengthBytes, into ?? Buffer.allocUnsafeSlow(lengthBytes));
  }

  /** The bytes from the start to the end; each part may be used until the next is asked for. */
  stream(): ByteStream {
    const parts = () => this.parts();
    return async function* () {
      yield* parts();
    };
  }

  /** As `stream`; feeds a hash that is complete when the stream has ended. */
  hashedStream(hash: Hash): ByteStream {
    const parts = () => this.parts();
    return async function* () {
      for (const part of parts()) {
        hash.update(part);
        yield part;
      }
    };
  }

  /** SHA-256 of the file, in hex. */
  sha256(): string {
    const hash = createHash('sha256');
    for (const part of this.parts()) hash.update(part);
    return hash.digest('hex');
  }

  private *parts(): Generator<Uint8Array> {
    const memory = Buffer.allocUnsafeSlow(READ_BYTES);
    for (let at = 0; at < this.sizeBytes; ) {
      const part = this.readNow(at, Math.min(READ_BYTES, this.sizeBytes - at), memory);
      if (part.length === 0) return;
      yield part;
      at += part.length;
    }
  }

  private readNow(offsetBytes: number, lengthBytes: number, into: Uint8Array): Uint8Array {
    this.goOn();
    let filled = 0;
    while (filled < lengthBytes) {
      const count = readSync(this.descriptor, into, filled, lengthBytes - filled, offsetBytes + filled);
      if (count === 0) break;
      filled += count;
    }
    return into.subarray(0, filled);
  }
}
