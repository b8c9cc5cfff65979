import type { ChunkRun } from './chunk-table.js';

/** The runs, each with the chunk before and after it as far as the body goes; what overlaps or touches becomes one. */
export function withNeighbours(runs: readonly ChunkRun[], body: ChunkRun): ChunkRun[] {
  const bodyEnd = body.firstChunk + body.chunkCount;
  const widened: ChunkRun[] = [];
  for (const { firstChunk, chunkCount } of runs.toSorted((a, b) => a.firstChunk - b.firstChunk)) {
    const start = Math.max(body.firstChunk, firstChunk - 1);
    const end = Math.min(bodyEnd, firstChunk + chunkCount + 1);
    const last = widened.at(-1);
    if (last !== undefined && last.firstChunk + last.chunkCount >= start) {
      last.chunkCount = Math.max(last.firstChunk + last.chunkCount, end) - last.firstChunk;
    } else widened.push({ firstChunk: start, chunkCount: end - start });
  }
  return widened;
}
