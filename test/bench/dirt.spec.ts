import { describe, expect, it } from 'vitest';
import { jobDirt } from './dirt.ts';

const GIB = 2 ** 30;

describe('jobDirt', () => {
  it('is 64 extents of about 330 KiB and 256 single blocks, on the disk and aligned', () => {
    const dirt = jobDirt(2 * GIB, 7);
    const long = dirt.filter(({ lengthBytes }) => lengthBytes > 4096);
    const average = long.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0) / long.length;
    expect([long.length, dirt.length - long.length]).toEqual([64, 256]);
    expect(average / 1024).toBeGreaterThan(300);
    expect(average / 1024).toBeLessThan(360);
    for (const { offsetBytes, lengthBytes } of dirt) {
      expect(offsetBytes % 4096).toBe(0);
      expect(offsetBytes + lengthBytes).toBeLessThanOrEqual(2 * GIB);
    }
  });

  it('is spread over every eighth of the disk', () => {
    const eighths = jobDirt(GIB, 7).map(({ offsetBytes }) => Math.floor(offsetBytes / (GIB / 8)));
    const counts = Array.from({ length: 8 }, (_, index) => eighths.filter((eighth) => eighth === index).length);
    expect(Math.min(...counts)).toBeGreaterThan(20);
  });

  it('is the same for the same seed alone', () => {
    expect(jobDirt(GIB, 7)).toEqual(jobDirt(GIB, 7));
    expect(jobDirt(GIB, 7)).not.toEqual(jobDirt(GIB, 8));
  });
});
