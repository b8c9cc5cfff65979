import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseByteRange } from './byte-range.js';

const SIZE = 1000;
const part = (first: number, last: number) => ({ kind: 'part', first, last });

describe('parseByteRange', () => {
  it.each([
    ['bytes=0-0', part(0, 0)],
    ['bytes=10-19', part(10, 19)],
    ['bytes=990-', part(990, 999)],
    ['bytes=990-5000', part(990, 999)],
    ['bytes=-5', part(995, 999)],
    ['bytes=-5000', part(0, 999)],
    ['BYTES= 1-2 ', part(1, 2)],
    ['bytes=0-9999999999999999999', part(0, 999)],
  ])('serves one part for %s', (header, range) => {
    expect(parseByteRange(header, SIZE)).toEqual(range);
  });

  it.each(['bytes=1000-', 'bytes=1000-1001', 'bytes=-0', 'bytes=9999999999999999999-'])(
    'finds nothing for %s',
    (header) => {
      expect(parseByteRange(header, SIZE)).toEqual({ kind: 'unsatisfiable' });
    },
  );

  it.each([
    undefined,
    '',
    'bytes=',
    'bytes=-',
    'bytes=5-2',
    'bytes=0-1,3-4',
    'lines=0-1',
    'bytes=a-b',
    'bytes=-1-2',
    'bytes=0x1-2',
  ])('ignores %j and serves the whole', (header) => {
    expect(parseByteRange(header, SIZE)).toEqual({ kind: 'whole' });
  });

  it('finds nothing in an empty file', () => {
    expect(parseByteRange('bytes=0-', 0)).toEqual({ kind: 'unsatisfiable' });
    expect(parseByteRange('bytes=-1', 0)).toEqual({ kind: 'unsatisfiable' });
  });

  it('never reaches outside of the file', () => {
    const header = fc.oneof(
      fc.string(),
      fc.tuple(fc.bigInt(), fc.bigInt()).map(([a, b]) => `bytes=${a}-${b}`),
    );
    fc.assert(
      fc.property(header, fc.nat(), (text, size) => {
        const range = parseByteRange(text, size);
        if (range.kind !== 'part') return;
        expect(range.first).toBeGreaterThanOrEqual(0);
        expect(range.last).toBeGreaterThanOrEqual(range.first);
        expect(range.last).toBeLessThan(size);
      }),
    );
  });
});
