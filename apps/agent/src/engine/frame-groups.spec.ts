import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PackedTable } from './chunk-table.js';
import { frameGroups } from './frame-groups.js';
import { packImage } from './packed-image.builder.js';
import { patchwork } from './patchwork.builder.js';

const { map } = packImage(patchwork(4 * 1024 * 1024, 5), { chunkBytes: 4096 });
const data = Array.from({ length: map.chunkCount }, (_, chunk) => chunk).filter((chunk) => !map.isZero(chunk));

describe('frames that are fetched together', () => {
  it('cover every wanted chunk once, in order, within the bound', () => {
    fc.assert(
      fc.property(fc.subarray(data), fc.integer({ min: 100, max: 100_000 }), (chunks, maxBytes) => {
        const groups = frameGroups(map, chunks, maxBytes);
        expect(groups.flatMap((group) => group.chunks)).toEqual(chunks);
        for (const { range, chunks: within } of groups) {
          expect(range.lengthBytes <= maxBytes || within.length === 1).toBe(true);
          for (const chunk of within) {
            const frame = map.frame(chunk);
            expect(frame.offsetBytes).toBeGreaterThanOrEqual(range.offsetBytes);
            expect(frame.offsetBytes + frame.lengthBytes).toBeLessThanOrEqual(range.offsetBytes + range.lengthBytes);
          }
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
