import type { ByteRange } from '@bty/image-format';
import type { ChunkTable } from './chunk-table.js';

const DIGEST_BYTES = 32;

/** A table of digests in memory that all threads see. */
export interface DigestFacts {
  chunkBytes: number;
  contentBytes: number;
  /** 32 bytes a chunk. */
  digests: Uint8Array;
  /** A byte a chunk: 1 when it is zero. */
  zeros: Uint8Array;
}

/** The digests of an image that came without a map, collected while it was written. */
export class DigestTable implements ChunkTable {
  readonly chunkBytes: number;
  readonly contentBytes: number;
  readonly chunkCount: number;
  readonly #digests: Buffer;
  readonly #zeros: Uint8Array;

  constructor(readonly facts: DigestFacts) {
    const { chunkBytes, contentBytes, digests, zeros } = facts;
    this.chunkBytes = chunkBytes;
    this.contentBytes = contentBytes;
    this.chunkCount = Math.ceil(contentBytes / chunkBytes);
    this.#digests = Buffer.from(digests.buffer, digests.byteOffset, digests.length);
    this.#zeros = zeros;
  }

  isZero(chunk: number): boolean {
    return this.#zeros[chunk] === 1;
  }

  zerosFrom(chunk: number, most: number): number {
    let count = 0;
    while (count < most && this.isZero(chunk + count)) count += 1;
    return count;
  }

  digest(chunk: number): Buffer {
    return this.#digests.subarray(chunk * DIGEST_BYTES, (chunk + 1) * DIGEST_BYTES);
  }

  chunkRange(chunk: number): ByteRange {
    const offsetBytes = chunk * this.chunkBytes;
    return { offsetBytes, lengthBytes: Math.min(this.chunkBytes, this.contentBytes - offsetBytes) };
  }
}
