import { blake3 } from '@napi-rs/blake-hash';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkJudge } from './chunk-judge.js';
import { DigestTable } from './digest-table.js';

const CHUNK = 4096;

/** A disk of zero chunks and others, the last one short, and the table of what it holds. */
function diskOf(kinds: readonly boolean[], lastBytes: number): { disk: Buffer; table: DigestTable } {
  const contentBytes = (kinds.length - 1) * CHUNK + lastBytes;
  const disk = Buffer.alloc(contentBytes);
  const digests = Buffer.alloc(kinds.length * 32);
  const zeros = Buffer.alloc(kinds.length);
  kinds.forEach((isZero, chunk) => {
    const bytes = disk.subarray(chunk * CHUNK, (chunk + 1) * CHUNK);
    if (isZero) zeros[chunk] = 1;
    else {
      bytes.fill(chunk + 1);
      blake3(bytes).copy(digests, chunk * 32);
    }
  });
  return { disk, table: new DigestTable({ chunkBytes: CHUNK, contentBytes, digests, zeros }) };
}

describe('ChunkJudge', () => {
  it('finds exactly the chunks of a run that differ, whatever lies in them and wherever the run begins', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: CHUNK }),
        fc.array(fc.nat(), { maxLength: 6 }),
        fc.nat(),
        (kinds, lastBytes, places, begin) => {
          const { disk, table } = diskOf(kinds, lastBytes);
          const damaged = new Set(places.map((place) => place % disk.length));
          for (const place of damaged) disk[place] = (disk[place] as number) ^ 0x5a;
          const firstChunk = begin % kinds.length;
          const run = { firstChunk, chunkCount: kinds.length - firstChunk };
          const expected = [...new Set([...damaged].map((place) => Math.floor(place / CHUNK)))]
            .filter((chunk) => chunk >= firstChunk)
            .sort((a, b) => a - b);
          expect(new ChunkJudge(table).differing(run, disk.subarray(firstChunk * CHUNK))).toEqual(expected);
        },
      ),
    );
  });
});
