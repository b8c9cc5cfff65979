import { Blake3Hasher } from '@napi-rs/blake-hash';
import type { ChunkRun, ChunkTable } from './chunk-table.js';

// Stays in the processor's cache beside what it is compared with.
const ZEROS = Buffer.alloc(128 * 1024);

/** Whether all bytes are zero; three times as fast as a digest. */
export function isZeros(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const piece = bytes.subarray(at, at + ZEROS.length);
    if (!piece.equals(piece.length === ZEROS.length ? ZEROS : ZEROS.subarray(0, piece.length))) return false;
  }
  return true;
}

/** Says whether bytes are what a table says. Has one hasher for all: each result in memory of its own keeps the collector busy. */
export class ChunkJudge {
  readonly #hasher = new Blake3Hasher();

  constructor(private readonly table: ChunkTable) {}

  isRight(chunk: number, bytes: Buffer): boolean {
    return this.table.isZero(chunk) ? isZeros(bytes) : this.#hasDigest(chunk, bytes);
  }

  /** The chunks that differ from what the table says, ascending; `bytes` are those of the whole run. */
  differing({ firstChunk, chunkCount }: ChunkRun, bytes: Buffer): number[] {
    const { chunkBytes } = this.table;
    const different: number[] = [];
    const part = (from: number, to: number): Buffer => bytes.subarray(from * chunkBytes, to * chunkBytes);
    for (let at = 0; at < chunkCount; ) {
      const zeros = this.table.zerosFrom(firstChunk + at, chunkCount - at);
      const end = at + Math.max(1, zeros);
      // all zeros at once: mostly they are right
      const right = zeros > 0 ? isZeros(part(at, end)) : this.#hasDigest(firstChunk + at, part(at, end));
      for (; at < end; at += 1) {
        if (!right && (zeros <= 1 || !isZeros(part(at, at + 1)))) different.push(firstChunk + at);
      }
    }
    return different;
  }

  #hasDigest(chunk: number, bytes: Buffer): boolean {
    this.#hasher.reset();
    return this.#hasher.update(bytes).digest() === this.table.digest(chunk).toString('hex');
  }
}
