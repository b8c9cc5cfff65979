import type { ByteRange } from '@bty/image-format';
import type { PackedTable } from './chunk-table.js';

/** Frames that are fetched with one request: a range of the pack, and the chunks whose frames are wanted from it. */
export interface FrameGroup {
  range: ByteRange;
  chunks: number[];
}

// What a request costs server and line equals about this many bytes more of a running one.
const MAX_GAP_BYTES = 64 * 1024;

/** Groups ascending data chunks into ranges of at most `maxBytes`, or of one frame, reading over small gaps. */
export function frameGroups(
  table: Pick<PackedTable, 'frame'>,
  chunks: readonly number[],
  maxBytes: number,
): FrameGroup[] {
  const groups: FrameGroup[] = [];
  for (const chunk of chunks) {
    const { offsetBytes, lengthBytes } = table.frame(chunk);
    const group = groups.at(-1);
    if (group !== undefined) {
      const end = group.range.offsetBytes + group.range.lengthBytes;
      const grown = offsetBytes + lengthBytes - group.range.offsetBytes;
      if (offsetBytes - end <= MAX_GAP_BYTES && grown <= maxBytes) {
        group.range.lengthBytes = grown;
        group.chunks.push(chunk);
        continue;
      }
    }
    groups.push({ range: { offsetBytes, lengthBytes }, chunks: [chunk] });
  }
  return groups;
}
