import { describe, expect, it } from 'vitest';
import { ifMatchHolds, rangeApplies, readerHasIt } from './conditions.js';

const ETAG = '"abc"';

describe('ifMatchHolds', () => {
  it.each([
    [undefined, ETAG, true],
    ['"abc"', ETAG, true],
    ['"x", "abc"', ETAG, true],
    ['*', ETAG, true],
    ['"x"', ETAG, false],
    ['W/"abc"', ETAG, false],
    ['*', undefined, false],
    ['"abc"', undefined, false],
    [undefined, undefined, true],
  ])('If-Match %s for ETag %s: %s', (header, etag, holds) => {
    expect(ifMatchHolds(header, etag)).toBe(holds);
  });
});

describe('readerHasIt', () => {
  it.each([
    [undefined, false],
    ['"abc"', true],
    ['W/"abc"', true],
    ['"x", W/"abc"', true],
    ['*', true],
    ['"x"', false],
  ])('If-None-Match %s: %s', (header, has) => {
    expect(readerHasIt(header, ETAG)).toBe(has);
  });
});

describe('rangeApplies', () => {
  it.each([
    [undefined, true],
    ['"abc"', true],
    ['"x"', false],
    ['W/"abc"', false],
    ['Sun, 22 Nov 2026 12:00:00 GMT', false],
  ])('If-Range %s: %s', (header, applies) => {
    expect(rangeApplies(header, ETAG)).toBe(applies);
  });
});
