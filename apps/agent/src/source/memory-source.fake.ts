import type { ChunkSource } from './chunk-source.js';

/** An image in memory that comes in pieces of a given size. */
export class MemorySource implements ChunkSource {
  bytesFetched = 0;

  constructor(
    private readonly image: Buffer,
    private readonly pieceBytes = 65_536,
  ) {}

  async *open(range: { startBytes: number; endBytes: number }, signal: AbortSignal): AsyncGenerator<Buffer> {
    for (let at = range.startBytes; at < range.endBytes; at += this.pieceBytes) {
      signal.throwIfAborted();
      const piece = this.image.subarray(at, Math.min(range.endBytes, at + this.pieceBytes));
      this.bytesFetched += piece.length;
      yield piece;
    }
  }
}
