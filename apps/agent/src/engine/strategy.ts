import type { FlashStrategy } from '@bty/wire-types';

/** What was measured before the first write. Rates in bytes a second. */
export interface Measured {
  /** Chunks that were read, and how many of them were right already. */
  sampledChunks: number;
  matchingChunks: number;
  diskReadRate: number;
  /** Of the compressed bytes; undefined when it was not needed. */
  linkRate: number | undefined;
}

/** What the image has to have done: bytes of the disk to read, of data among them, and of the pack. */
export interface Amounts {
  bodyBytes: number;
  dataBytes: number;
  packBytes: number;
}

/** When so many of the sampled chunks are right, reading is worth its while whatever the line does. */
export const SURELY_COMPARE = 0.6;

// A written byte is fetched, decompressed, hashed and written: measured at three to four times the time of reading it.
const WRITE_PER_READ = 3;

const percent = (share: number): string => `${Math.round(share * 100)} %`;
const rate = (bytes: number): string => `${Math.round(bytes / 1e6)} MB/s`;

/**
 * Chooses between comparing first and writing through by the time that each would take, line and disk working at once.
 * When they take the same time, compares: what is not written does not wear the disk.
 */
export function chooseStrategy(measured: Measured, amounts: Amounts): { strategy: FlashStrategy; reason: string } {
  const { sampledChunks, matchingChunks, diskReadRate, linkRate } = measured;
  if (sampledChunks === 0) return { strategy: 'compare', reason: 'the image has no data to write' };
  const matching = matchingChunks / sampledChunks;
  const seen = `${matchingChunks} of ${sampledChunks} sampled chunks are right already`;
  if (matching >= SURELY_COMPARE || linkRate === undefined) return { strategy: 'compare', reason: seen };
  const differing = 1 - matching;
  const writeSeconds = (amounts.dataBytes * WRITE_PER_READ) / diskReadRate;
  const fetchSeconds = amounts.packBytes / linkRate;
  const readSeconds = amounts.bodyBytes / diskReadRate;
  const compareSeconds = Math.max(differing * fetchSeconds, readSeconds + differing * writeSeconds);
  const throughSeconds = Math.max(fetchSeconds, writeSeconds);
  const rates = `the disk reads ${rate(diskReadRate)}, the line gives ${rate(linkRate)}`;
  return compareSeconds <= throughSeconds
    ? { strategy: 'compare', reason: `${seen}, ${rates}: reading first costs no time` }
    : { strategy: 'write-through', reason: `${seen} (${percent(matching)}), ${rates}: reading all first costs more` };
}
