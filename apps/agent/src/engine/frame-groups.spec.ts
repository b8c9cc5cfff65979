import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PackedTable } from './chunk-table.js';
import { frameGroups, partMemoryBytes } from './frame-groups.js';
import { packImage } from './packed-image.builder.js';
import { patchwork } from './patchwork.builder.js';

const { map } = packImage(patchwork(4 * 1024 * 1024, 5), { chunkBytes: 4096 });
const data = Array.from({ length: map.chunkCount }, (_, chunk) => chunk).filter((chunk) => !map.isZero(chunk));

describe('frames that are fetched together', () => {
  it('cover every wanted chunk once, in order, in parts side by side that fit their memory', () => {
    fc.assert(
      fc.property(fc.subarray(data), fc.integer({ min: 100, max: 100_000 }), (chunks, maxPartBytes) => {
        const groups = frameGroups(map, chunks, maxPartBytes);
        expect(groups.flatMap(({ parts }) => parts).flatMap((part) => part.chunks)).toEqual(chunks);
        for (const { range, parts } of groups) {
          let end = range.offsetBytes;
          for (const part of parts) {
            expect(part.offsetBytes).toBe(end);
            end += part.lengthBytes;
            expect(part.lengthBytes).toBeLessThanOrEqual(partMemoryBytes(map.chunkBytes, maxPartBytes));
            for (const frame of part.chunks.map((chunk) => map.frame(chunk))) {
              expect(frame.offsetBytes).toBeGreaterThanOrEqual(part.offsetBytes);
              expect(frame.offsetBytes + frame.lengthBytes).toBeLessThanOrEqual(end);
            }
          }
          expect(end).toBe(range.offsetBytes + range.lengthBytes);
        }
      }),
    );
  });

  it('are one request where they lie side by side, and two where much lies between', () => {
    expect(frameGroups(map, data, 1e9)).toHaveLength(1);
    const spread: Pick<PackedTable, 'frame'> = {
      frame: (chunk) => ({ offsetBytes: chunk * 100_000, lengthBytes: 50_000 }),
    };
    expect(frameGroups(spread, [1, 2, 9], 1e9)).toHaveLength(2);
  });
});
