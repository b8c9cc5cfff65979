/** Where a CI job has written since the disk was flashed: byte ranges that may overlap, in no order. */
export interface Extent {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

const BLOCK = 4096;
const LONG_EXTENTS = 64;
const LONG_BLOCKS = 82; // 328 KiB, half of it more or less
const SINGLE_BLOCKS = 256;

/** Pseudo-random 32-bit numbers, the same for the same seed (xorshift32). */
function seededNumbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/**
 * The dirt that a job leaves on a disk of `sizeBytes`: 64 extents of 330 KiB on average and 256 single blocks of 4 KiB.
 * Positions are spread evenly over the whole disk, so that as many fall into an image's holes as holes are large.
 */
export function jobDirt(sizeBytes: number, seed: number): Extent[] {
  const number = seededNumbers(seed);
  const blocks = Math.floor(sizeBytes / BLOCK);
  const extent = (length: number): Extent => ({
    offsetBytes: (number() % (blocks - length + 1)) * BLOCK,
    lengthBytes: length * BLOCK,
  });
  const long = Array.from({ length: LONG_EXTENTS }, () => extent(LONG_BLOCKS / 2 + (number() % (LONG_BLOCKS + 2))));
  return [...long, ...Array.from({ length: SINGLE_BLOCKS }, () => extent(1))];
}
