import type { ByteRange } from '@bty/image-format';
import type { PackedTable } from './chunk-table.js';

/** A stretch of a pack that fits the memory for it, and the chunks whose frames are wanted from it. */
export interface FramePart extends ByteRange {
  chunks: number[];
}

/** What is fetched with one request: parts that lie side by side. */
export interface FrameGroup {
  range: ByteRange;
  parts: FramePart[];
}

// What a request costs server and line equals about this many bytes more of a running one.
const MAX_GAP_BYTES = 64 * 1024;

/**
 * Groups the frames of ascending data chunks into requests, reading over small gaps, and these into parts of at most
 * `maxPartBytes`. One frame with the gap before it may take more: as much as a gap, a chunk and a frame's overhead.
 */
export function frameGroups(
  table: Pick<PackedTable, 'frame'>,
  chunks: readonly number[],
  maxPartBytes: number,
): FrameGroup[] {
  const groups: FrameGroup[] = [];
  for (const chunk of chunks) {
    const frame = table.frame(chunk);
    const frameEnd = frame.offsetBytes + frame.lengthBytes;
    const group = groups.at(-1);
    const end = group === undefined ? 0 : group.range.offsetBytes + group.range.lengthBytes;
    if (group === undefined || frame.offsetBytes - end > MAX_GAP_BYTES) {
      groups.push({ range: { ...frame }, parts: [{ ...frame, chunks: [chunk] }] });
      continue;
    }
    group.range.lengthBytes = frameEnd - group.range.offsetBytes;
    const part = group.parts.at(-1);
    if (part !== undefined && frameEnd - part.offsetBytes <= maxPartBytes) {
      part.lengthBytes = frameEnd - part.offsetBytes;
      part.chunks.push(chunk);
    } else group.parts.push({ offsetBytes: end, lengthBytes: frameEnd - end, chunks: [chunk] });
  }
  return groups;
}

/** Memory that takes any part of frames of such chunks, when parts are to have this size. */
export function partMemoryBytes(chunkBytes: number, maxPartBytes: number): number {
  // A frame may be a little larger than its chunk.
  return Math.max(maxPartBytes, chunkBytes + 1024 + MAX_GAP_BYTES);
}
