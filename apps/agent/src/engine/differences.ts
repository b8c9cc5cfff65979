import type { ByteRange, Partition } from '@bty/image-format';

/** The grain in which differing bytes are told where the right ones are at hand. */
const PAGE_BYTES = 4096;

/** Collects ranges in any order; gives them in order, and those that touch as one. */
export class RangeSet {
  readonly #ranges: ByteRange[] = [];

  add(range: ByteRange): void {
    if (range.lengthBytes > 0) this.#ranges.push({ ...range });
  }

  /** The pages of `actual` that differ from `expected`; `offsetBytes` is the place of both. */
  addDiffering(expected: Buffer, actual: Buffer, offsetBytes: number): void {
    if (expected.equals(actual)) return;
    for (let at = 0; at < expected.length; at += PAGE_BYTES) {
      const page = expected.subarray(at, at + PAGE_BYTES);
      if (!page.equals(actual.subarray(at, at + PAGE_BYTES))) {
        this.add({ offsetBytes: offsetBytes + at, lengthBytes: page.length });
      }
    }
  }

  merged(): ByteRange[] {
    const merged: ByteRange[] = [];
    for (const range of this.#ranges.toSorted((a, b) => a.offsetBytes - b.offsetBytes)) {
      const last = merged.at(-1);
      if (last !== undefined && last.offsetBytes + last.lengthBytes >= range.offsetBytes) {
        const end = Math.max(last.offsetBytes + last.lengthBytes, range.offsetBytes + range.lengthBytes);
        last.lengthBytes = end - last.offsetBytes;
      } else merged.push({ ...range });
    }
    return merged;
  }
}

/** What a read-only compare found. `partitions` are those of the image that hold differences, and how many bytes. */
export interface DiskCheck {
  comparedBytes: number;
  differingBytes: number;
  ranges: ByteRange[];
  partitions: (Partition & { differingBytes: number })[];
  /** Differing bytes that lie in none of the image's partitions: tables, gaps, the end of the disk. */
  outsideBytes: number;
}

const overlap = (a: ByteRange, b: ByteRange): number =>
  Math.max(
    0,
    Math.min(a.offsetBytes + a.lengthBytes, b.offsetBytes + b.lengthBytes) - Math.max(a.offsetBytes, b.offsetBytes),
  );

/** Tells in which partitions the differing ranges, which do not overlap, lie. */
export function diskCheck(comparedBytes: number, ranges: ByteRange[], partitions: readonly Partition[]): DiskCheck {
  const within = (part: ByteRange): number => ranges.reduce((sum, range) => sum + overlap(range, part), 0);
  const differingBytes = ranges.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  const touched = partitions
    .map((partition) => ({ ...partition, differingBytes: within(partition) }))
    .filter((partition) => partition.differingBytes > 0);
  const inside = touched.reduce((sum, partition) => sum + partition.differingBytes, 0);
  return { comparedBytes, differingBytes, ranges, partitions: touched, outsideBytes: differingBytes - inside };
}
