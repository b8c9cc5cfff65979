import type { DiskAccess } from './block-target.js';
import { isRight } from './chunk-comparer.js';
import type { ChunkTable } from './chunk-table.js';
import { SlotPool } from './slot-pool.js';

const SAMPLES = 16;
const READS_AT_ONCE = 4;

/** What a few chunks of data showed; the rate in bytes a second. */
export interface Sample {
  sampledChunks: number;
  matchingChunks: number;
  diskReadRate: number;
}

/** Data chunks spread evenly over a range of chunks; `dataAt` counts them. */
function spread(table: ChunkTable, first: number, end: number): number[] {
  const data: number[] = [];
  for (let chunk = first; chunk < end; chunk += 1) if (!table.isZero(chunk)) data.push(chunk);
  const count = Math.min(SAMPLES, data.length);
  return Array.from({ length: count }, (_, index) => data[Math.floor(((index + 0.5) * data.length) / count)] ?? first);
}

/** Reads a few data chunks of the range from the disk, several at once as the flash will. */
export async function sampleDisk(
  access: DiskAccess,
  table: ChunkTable,
  { first, end }: { first: number; end: number },
): Promise<Sample> {
  const chunks = spread(table, first, end);
  const slots = new SlotPool(READS_AT_ONCE, table.chunkBytes);
  let matchingChunks = 0;
  let bytes = 0;
  const startMs = performance.now();
  await Promise.all(
    chunks.map(async (chunk) => {
      const slot = await slots.take();
      try {
        const { offsetBytes, lengthBytes } = table.chunkRange(chunk);
        const read = slot.subarray(0, lengthBytes);
        await access.read(read, offsetBytes);
        bytes += lengthBytes;
        if (isRight(table, chunk, read)) matchingChunks += 1;
      } finally {
        slots.give(slot);
      }
    }),
  );
  const seconds = Math.max(performance.now() - startMs, 0.001) / 1000;
  return { sampledChunks: chunks.length, matchingChunks, diskReadRate: Math.max(1, bytes / seconds) };
}
