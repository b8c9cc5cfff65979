import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstFailingSector } from './first-failing-sector.js';

describe('firstFailingSector', () => {
  it('finds the first bad sector of any range', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(2047), fc.constantFrom(512, 4096), async (bad, sectorBytes) => {
        const badByte = 8192 + Math.min(bad, (1024 * 1024) / sectorBytes - 1) * sectorBytes;
        const access = async (piece: Buffer, at: number): Promise<void> => {
          if (at <= badByte && badByte < at + piece.length) throw new Error('EIO');
        };
        expect(await firstFailingSector(access, Buffer.alloc(1024 * 1024), 8192, sectorBytes)).toBe(badByte);
      }),
    );
  });

  it('names the start when the failure does not come again', async () => {
    expect(await firstFailingSector(async () => undefined, Buffer.alloc(300_000), 512, 512)).toBe(512);
  });

  it('gives up at once on a disk that is gone', async () => {
    let calls = 0;
    const gone = async (): Promise<void> => {
      calls += 1;
      throw new Error('ENODEV');
    };
    expect(await firstFailingSector(gone, Buffer.alloc(1024 * 1024), 4096, 512)).toBe(4096);
    expect(calls).toBe(2);
  });
});
