import type { DiskAccess } from './block-target.js';
import { ChunkJudge } from './chunk-judge.js';
import { type ChunkRun, type ChunkTable, type PackedTable, runRange } from './chunk-table.js';
import { SlotPool } from './slot-pool.js';

const SAMPLES = 16;
const READS_AT_ONCE = 4;
// As much as the flash reads at once: single small chunks would show the latency of the disk, not its rate.
const READ_BYTES = 512 * 1024;

/** What a few chunks of data showed; the rate in bytes a second. */
export interface Sample {
  sampledChunks: number;
  matchingChunks: number;
  diskReadRate: number;
}

/** The chunk and its neighbours of the range, as far as one read goes. */
function around(table: ChunkTable, chunk: number, end: number): ChunkRun {
  const count = Math.max(1, Math.floor(READ_BYTES / table.chunkBytes));
  return { firstChunk: chunk, chunkCount: Math.min(count, end - chunk) };
}

/** Data chunks spread evenly over those of a range of chunks. */
function spread(table: PackedTable, first: number, end: number): number[] {
  const runs = [...table.dataRuns(first, end)];
  const total = runs.reduce((sum, { chunkCount }) => sum + chunkCount, 0);
  const count = Math.min(SAMPLES, total);
  const wanted = Array.from({ length: count }, (_, index) => Math.floor(((index + 0.5) * total) / count));
  let before = 0;
  return runs.flatMap(({ firstChunk, chunkCount }) => {
    const here = wanted.filter((nth) => nth >= before && nth < before + chunkCount);
    const chunks = here.map((nth) => firstChunk + nth - before);
    before += chunkCount;
    return chunks;
  });
}

/** Reads a few data chunks of the range from the disk, several at once as the flash will. */
export async function sampleDisk(
  access: DiskAccess,
  table: PackedTable,
  { first, end }: { first: number; end: number },
): Promise<Sample> {
  const chunks = spread(table, first, end);
  const slots = new SlotPool(READS_AT_ONCE, Math.max(READ_BYTES, table.chunkBytes));
  const judge = new ChunkJudge(table);
  let matchingChunks = 0;
  let bytes = 0;
  const startMs = performance.now();
  await Promise.all(
    chunks.map(async (chunk) => {
      const slot = await slots.take();
      try {
        const { offsetBytes, lengthBytes } = runRange(table, around(table, chunk, end));
        await access.read(slot.subarray(0, lengthBytes), offsetBytes);
        bytes += lengthBytes;
        if (judge.isRight(chunk, slot.subarray(0, table.chunkRange(chunk).lengthBytes))) matchingChunks += 1;
      } finally {
        slots.give(slot);
      }
    }),
  );
  const seconds = Math.max(performance.now() - startMs, 0.001) / 1000;
  return { sampledChunks: chunks.length, matchingChunks, diskReadRate: Math.max(1, bytes / seconds) };
}
