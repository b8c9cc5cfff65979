import { describe, expect, it } from 'vitest';
import { SECTOR_HEAD_BYTES, sectorSizeOf } from './sector-size.js';

describe('sectorSizeOf', () => {
  it.each([512, 4096])('finds the GPT of an image made for %i-byte sectors', (size) => {
    const head = Buffer.alloc(SECTOR_HEAD_BYTES);
    head.write('EFI PART', size);
    expect(sectorSizeOf(head)).toBe(size);
  });

  it('says nothing of an image without a GPT, however short', () => {
    expect(sectorSizeOf(Buffer.alloc(SECTOR_HEAD_BYTES))).toBeUndefined();
    expect(sectorSizeOf(Buffer.alloc(512))).toBeUndefined();
  });
});
