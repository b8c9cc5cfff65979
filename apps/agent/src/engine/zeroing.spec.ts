import { constants } from 'node:os';
import type { ByteRange } from '@bty/image-format';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FallocateMode } from './fallocate.js';
import { Zeroing } from './zeroing.js';

const { EOPNOTSUPP, EIO } = constants.errno;
const SECTOR = 512;
const MIB = 1024 * 1024;

/** A disk whose ways of zeroing behave as told: they work, lie, or answer with an errno. */
function disk(bytes: number, ways: Partial<Record<FallocateMode, 'works' | 'lies' | number>>) {
  const medium = Buffer.alloc(bytes, 0xaa);
  const calls: string[] = [];
  const zeroing = new Zeroing({
    sectorBytes: SECTOR,
    fallocate: async (mode: FallocateMode, { offsetBytes, lengthBytes }: ByteRange) => {
      calls.push(mode);
      const way = ways[mode] ?? EOPNOTSUPP;
      if (way === 'works') medium.fill(0, offsetBytes, offsetBytes + lengthBytes);
      return typeof way === 'number' ? way : 0;
    },
    read: async (into, offsetBytes) => void medium.copy(into, 0, offsetBytes),
    write: async (from, offsetBytes) => {
      calls.push('write');
      from.copy(medium, offsetBytes);
    },
  });
  return { medium, calls, zeroing };
}

describe('zeroing a disk', () => {
  it.each<[string, Parameters<typeof disk>[1], string[]]>([
    ['takes its own command where it works', { punch: 'works' }, ['punch', 'punch']],
    ['asks the kernel where it does not', { 'zero-range': 'works' }, ['punch', 'zero-range', 'zero-range']],
    ['writes where nothing else works', {}, ['punch', 'zero-range', 'write', 'write']],
    ['does not believe what it does not see', { punch: 'lies' }, ['punch', 'zero-range', 'write', 'write']],
    ['writes where the disk fails, to find the place', { punch: EIO }, ['punch', 'write', 'punch', 'write']],
  ])('%s', async (_name, ways, expected) => {
    const { medium, calls, zeroing } = disk(3 * MIB, ways);
    await zeroing.zero({ offsetBytes: 0, lengthBytes: MIB });
    await zeroing.zero({ offsetBytes: 2 * MIB, lengthBytes: MIB });
    expect(calls).toEqual(expected);
    expect(medium.equals(Buffer.alloc(3 * MIB).fill(0xaa, MIB, 2 * MIB))).toBe(true);
  });

  it('writes a short range', async () => {
    const { medium, calls, zeroing } = disk(MIB, { punch: 'works' });
    await zeroing.zero({ offsetBytes: 0, lengthBytes: MIB / 2 });
    expect(calls).toEqual(['write']);
    expect(medium.equals(Buffer.alloc(MIB).fill(0xaa, MIB / 2))).toBe(true);
  });

  it('zeroes exactly the range, whatever its ends', async () => {
    const bytes = 1_300_000;
    const ends = fc.tuple(fc.nat(bytes), fc.nat(bytes));
    await fc.assert(
      fc.asyncProperty(ends, fc.boolean(), async ([a, b], punches) => {
        const { medium, zeroing } = disk(bytes, punches ? { punch: 'works' } : {});
        const [from, to] = a < b ? [a, b] : [b, a];
        await zeroing.zero({ offsetBytes: from, lengthBytes: to - from });
        const expected = Buffer.alloc(bytes, 0xaa).fill(0, from, to);
        expect(medium.equals(expected)).toBe(true);
      }),
    );
  });
});
