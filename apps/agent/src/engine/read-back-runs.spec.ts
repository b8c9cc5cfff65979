import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChunkRun } from './chunk-table.js';
import { withNeighbours } from './read-back-runs.js';

const chunksOf = (runs: readonly ChunkRun[]): number[] =>
  runs.flatMap(({ firstChunk, chunkCount }) => Array.from({ length: chunkCount }, (_, index) => firstChunk + index));

describe('runs with their neighbours', () => {
  it('are every chunk of the body that is in a run or beside one, once and in order', () => {
    const bodies = fc.record({ firstChunk: fc.nat(5), chunkCount: fc.integer({ min: 1, max: 60 }) });
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(70)), (body, picked) => {
        const all = chunksOf([body]);
        const chunks = [...new Set(picked)].filter((chunk) => all.includes(chunk));
        const runs = chunks.map((firstChunk) => ({ firstChunk, chunkCount: 1 }));
        const near = (chunk: number): boolean => chunks.some((one) => Math.abs(one - chunk) <= 1);
        expect(chunksOf(withNeighbours(runs, body))).toEqual(all.filter(near));
      }),
    );
  });
});
