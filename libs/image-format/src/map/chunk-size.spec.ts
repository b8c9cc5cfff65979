import { expect, it } from 'vitest';
import { chunkBytesFor } from './chunk-size.js';

const GIB = 2 ** 30;

it.each([
  [1, 65_536],
  [32 * GIB, 65_536],
  [32 * GIB + 1, 131_072],
  [64 * GIB, 131_072],
  [2048 * GIB, 4_194_304],
  [2 ** 50, 4_194_304],
])('a disk of %d bytes has chunks of %d', (contentBytes, chunkBytes) => {
  expect(chunkBytesFor(contentBytes)).toBe(chunkBytes);
});
