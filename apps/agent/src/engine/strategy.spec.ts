import { describe, expect, it } from 'vitest';
import { chooseStrategy } from './strategy.js';

const GIB = 2 ** 30;
const IMAGE = { bodyBytes: 2 * GIB, dataBytes: 1.2 * GIB, packBytes: 0.5 * GIB };

describe('the strategy', () => {
  it.each([
    ['much is right already', 15, 4e9, 1e9, 'compare'],
    ['nothing is right and the disk is no faster than the line', 0, 4e9, 1e9, 'write-through'],
    ['nothing is right and a hard disk is slower than the line', 0, 180e6, 117e6, 'write-through'],
    ['nothing is right, and the line is so slow that reading costs nothing', 0, 3e9, 12e6, 'compare'],
    ['a fast disk waits for 1 Gbit/s', 0, 3e9, 100e6, 'compare'],
  ] as const)('when %s is to %s', (_name, matchingChunks, diskReadRate, linkRate, strategy) => {
    const chosen = chooseStrategy({ sampledChunks: 16, matchingChunks, diskReadRate, linkRate }, IMAGE);
    expect(chosen.strategy).toBe(strategy);
    expect(chosen.reason).toContain(`${matchingChunks} of 16 sampled chunks`);
  });

  it('compares an image without data', () => {
    const sample = { sampledChunks: 0, matchingChunks: 0, diskReadRate: 1, linkRate: undefined };
    expect(chooseStrategy(sample, { bodyBytes: 0, dataBytes: 0, packBytes: 1 }).strategy).toBe('compare');
  });
});
