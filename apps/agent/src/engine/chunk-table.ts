import type { ByteRange } from '@bty/image-format';

/** What each chunk of a disk is to hold. Chunks are numbered from 0 and tile the image; the last may be short. */
export interface ChunkTable {
  readonly chunkBytes: number;
  readonly chunkCount: number;
  readonly contentBytes: number;
  /** Whether the chunk is zeros; it then has no digest. */
  isZero(chunk: number): boolean;
  /** How many chunks are zeros from this one on, one after the other, `most` at most: 0 for one that is not. */
  zerosFrom(chunk: number, most: number): number;
  /** BLAKE3-256 of a chunk that is not zero. */
  digest(chunk: number): Buffer;
  chunkRange(chunk: number): ByteRange;
}

/** A chunk table whose data chunks lie, compressed, in a pack. */
export interface PackedTable extends ChunkTable {
  /** Where the frame of a chunk that is not zero lies in the pack; neighbouring data chunks have neighbouring frames. */
  frame(chunk: number): ByteRange;
  /** The runs of chunks that are not zero from `first` up to, but not with, `end`. */
  dataRuns(first: number, end: number): Iterable<ChunkRun>;
}

/** Consecutive chunks. */
export interface ChunkRun {
  firstChunk: number;
  chunkCount: number;
}

/** Appends a chunk to runs that are collected in ascending order. */
export function addChunk(runs: ChunkRun[], chunk: number): void {
  const last = runs.at(-1);
  if (last !== undefined && last.firstChunk + last.chunkCount === chunk) last.chunkCount += 1;
  else runs.push({ firstChunk: chunk, chunkCount: 1 });
}

/** The bytes of the disk that a run covers. */
export function runRange(table: ChunkTable, { firstChunk, chunkCount }: ChunkRun): ByteRange {
  const { offsetBytes } = table.chunkRange(firstChunk);
  const last = table.chunkRange(firstChunk + chunkCount - 1);
  return { offsetBytes, lengthBytes: last.offsetBytes + last.lengthBytes - offsetBytes };
}

/** Cuts runs into pieces of at most `maxChunks` chunks. */
export function* cutRuns(runs: Iterable<ChunkRun>, maxChunks: number): Generator<ChunkRun> {
  for (const { firstChunk, chunkCount } of runs) {
    for (let done = 0; done < chunkCount; done += maxChunks) {
      yield { firstChunk: firstChunk + done, chunkCount: Math.min(maxChunks, chunkCount - done) };
    }
  }
}
