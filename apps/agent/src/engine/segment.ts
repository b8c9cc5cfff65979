import type { ChunkRun } from './chunk-table.js';

/**
 * What to do with consecutive chunks: `compare` reads all and restores those that differ; `write-through` restores all of
 * them unless the first is right already; `look` reads all and writes nothing.
 */
export interface SegmentTask extends ChunkRun {
  kind: 'compare' | 'write-through' | 'look';
  /** Writes no chunk whose digest is not right; else who reads back finds out. */
  checked?: boolean;
}

/** Where the time of the work went, in milliseconds, summed over whatever ran at once. */
export interface Spent {
  cpuMs: number;
  diskMs: number;
  networkMs: number;
}

/** What a segment came to. Sizes in bytes of the disk; `fetchedBytes` as they came over the line. */
export interface SegmentDone extends Spent {
  skippedBytes: number;
  writtenBytes: number;
  zeroedBytes: number;
  fetchedBytes: number;
  /** Chunks that were restored, or for `look` those that differ. Ascending. */
  runs: ChunkRun[];
}

export function nothingDone(): SegmentDone {
  return {
    skippedBytes: 0,
    writtenBytes: 0,
    zeroedBytes: 0,
    fetchedBytes: 0,
    runs: [],
    cpuMs: 0,
    diskMs: 0,
    networkMs: 0,
  };
}

/** Adds what a segment came to, but for its runs. */
export function addDone(total: SegmentDone, done: SegmentDone): void {
  total.skippedBytes += done.skippedBytes;
  total.writtenBytes += done.writtenBytes;
  total.zeroedBytes += done.zeroedBytes;
  total.fetchedBytes += done.fetchedBytes;
  total.cpuMs += done.cpuMs;
  total.diskMs += done.diskMs;
  total.networkMs += done.networkMs;
}
