import 'reflect-metadata';
import { BtyError } from '@bty/wire-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HandMadeCluster, handMadeQcow2 } from '../../test/hand-made-qcow2.js';
import { expand, MemorySource } from '../../test/sources.js';
import { openQcow2 } from './open-qcow2.js';

const limits = { maxBytes: 2 ** 50 };
const filled = (byte: number, bytes = 512) => Buffer.alloc(bytes, byte);
const text = (bytes = 512) => Buffer.alloc(bytes, 'bty makes a disk equal to an image. ');

const everyKind: HandMadeCluster[] = [
  { data: filled(1) },
  { data: filled(2) },
  'unallocated',
  'zero',
  'zero with a place',
  { compressed: text() },
  { compressed: filled(3) },
  { data: filled(4) },
];
const everyKindExpanded = Buffer.concat([filled(1), filled(2), Buffer.alloc(3 * 512), text(), filled(3), filled(4)]);

async function read(file: Buffer): Promise<Buffer> {
  return expand(await openQcow2(new MemorySource(file), limits));
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function refusal(file: Buffer): Promise<BtyError> {
  try {
    await read(file);
  } catch (thrown) {
    if (thrown instanceof BtyError) return thrown;
    throw thrown;
  }
  throw new Error('was not refused');
}

describe('a qcow2 file', () => {
  it.each(['zlib', 'zstd'] as const)('gives clusters of every kind, %s', async (compression) => {
    expect(await read(handMadeQcow2({ clusters: everyKind, compression }))).toEqual(everyKindExpanded);
  });

  it('of version 2 is read too', async () => {
    const clusters: HandMadeCluster[] = [{ data: filled(7) }, 'unallocated', { compressed: text() }];
    const file = handMadeQcow2({ version: 2, clusters });
    expect(await read(file)).toEqual(Buffer.concat([filled(7), Buffer.alloc(512), text()]));
  });

  it.each([9, 12, 16, 21])('with clusters of 2^%i bytes may end inside its last cluster', async (clusterBits) => {
    const bytes = 2 ** clusterBits;
    for (const last of [{ data: text(bytes) }, { compressed: text(bytes) }]) {
      const virtualSizeBytes = bytes + 512;
      const file = handMadeQcow2({ clusterBits, virtualSizeBytes, clusters: [{ compressed: filled(5, bytes) }, last] });
      const whole = Buffer.concat([filled(5, bytes), text(bytes)]).subarray(0, virtualSizeBytes);
      expect((await read(file)).equals(whole)).toBe(true);
    }
  });

  it('tells its extents by the tables alone', async () => {
    const source = new MemorySource(handMadeQcow2({ clusters: everyKind }));
    const image = await openQcow2(source, limits);
    expect(image).toMatchObject({ sizeBytes: 4096, virtualSizeBytes: 4096, clusterBytes: 512 });
    expect(await all(image.extents())).toEqual([
      { offsetBytes: 0, lengthBytes: 1024, kind: 'data' },
      { offsetBytes: 1024, lengthBytes: 1536, kind: 'zero' },
      { offsetBytes: 2560, lengthBytes: 1536, kind: 'data' },
    ]);
    expect(source.readBytes).toBeLessThan(112 + 8 + 64 + 1);
  });

  it('reads neighbouring data at once and never expands zeros', async () => {
    const image = await openQcow2(new MemorySource(handMadeQcow2({ clusters: everyKind })), limits);
    const pieces = (await all(image.pieces())).map((piece) => ('bytes' in piece ? piece.bytes.length : 'zeros'));
    expect(pieces).toEqual([1024, 'zeros', 1024, 512]);
  });

  it('of 32 TiB of nothing is one run of zeros', async () => {
    const file = handMadeQcow2({ clusterBits: 16, clusters: ['unallocated'] });
    const l1Entries = 2 ** 16;
    file.writeBigUInt64BE(2n ** 45n, 24);
    file.writeUInt32BE(l1Entries, 36);
    const large = Buffer.concat([file.subarray(0, 2 * 65536), Buffer.alloc(l1Entries * 8)]);
    large.fill(0, 65536);
    const image = await openQcow2(new MemorySource(large), limits);
    expect(await all(image.pieces())).toEqual([{ offsetBytes: 0, zeroBytes: 2 ** 45 }]);
  });

  it('stops with the reason of the signal, before and between pieces', async () => {
    const file = handMadeQcow2({ clusters: [{ data: filled(1) }, 'zero', { data: filled(2) }] });
    const image = await openQcow2(new MemorySource(file), limits);
    await expect(expand(image, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    const stop = new AbortController();
    const reading = image.pieces(stop.signal)[Symbol.asyncIterator]();
    await reading.next();
    stop.abort(new Error('enough'));
    await expect(reading.next()).rejects.toThrow('enough');
  });

  it('ends its reads when the consumer leaves', async () => {
    const image = await openQcow2(new MemorySource(handMadeQcow2({ clusters: everyKind })), limits);
    for await (const piece of image.pieces()) if (piece.offsetBytes === 0) break;
  });
});

describe('refuses', () => {
  const u32 = (at: number, value: number) => (file: Buffer) => file.writeUInt32BE(value, at);
  const u64 = (at: number, value: bigint) => (file: Buffer) => file.writeBigUInt64BE(value, at);

  it.each<[string, (file: Buffer) => unknown, string, RegExp]>([
    ['another magic', u32(0, 0x514649fa), 'IMAGE_INVALID', /magic is 0x514649fa/],
    ['version 1', u32(4, 1), 'IMAGE_INVALID', /version is 1/],
    ['version 4', u32(4, 4), 'IMAGE_INVALID', /version is 4/],
    ['a backing file', u64(8, 200n), 'IMAGE_INVALID', /backing_file_offset is 200/],
    ['clusters of 256 bytes', u32(20, 8), 'IMAGE_INVALID', /cluster_bits is 8/],
    ['clusters of 4 MiB', u32(20, 22), 'IMAGE_INVALID', /cluster_bits is 22/],
    ['clusters of 2^4294967295 bytes', u32(20, 0xffffffff), 'IMAGE_INVALID', /cluster_bits/],
    ['a size of 0', u64(24, 0n), 'IMAGE_INVALID', /size is 0/],
    ['a size that is no whole sector', u64(24, 1000n), 'IMAGE_INVALID', /size is 1000/],
    ['a size of 2^63', u64(24, 2n ** 63n), 'IMAGE_INVALID', /size is 9223372036854775808/],
    ['more than the target holds', u64(24, 2n ** 51n), 'IMAGE_INVALID', /l1_size is 1/],
    ['AES', u32(32, 1), 'IMAGE_INVALID', /crypt_method is 1/],
    ['LUKS', u32(32, 2), 'IMAGE_INVALID', /crypt_method is 2/],
    ['an L1 table too small', u32(36, 0), 'IMAGE_INVALID', /l1_size is 0: the virtual size needs 1/],
    ['an L1 table too large', u32(36, 0xffffffff), 'IMAGE_INVALID', /l1_size is 4294967295/],
    ['an L1 table over the header', u64(40, 0n), 'IMAGE_INVALID', /l1_table_offset is 0/],
    ['a misaligned L1 table', u64(40, 520n), 'IMAGE_INVALID', /l1_table_offset is 520/],
    ['an L1 table beyond the file', u64(40, 2n ** 40n), 'IMAGE_TRUNCATED', /l1_table_offset is 1099511627776/],
    ['an L1 table at the end of all numbers', u64(40, 2n ** 64n - 512n), 'IMAGE_TRUNCATED', /l1_table_offset/],
    ['internal snapshots', u32(60, 1), 'IMAGE_INVALID', /nb_snapshots is 1/],
    ['the dirty bit', u64(72, 1n), 'IMAGE_INVALID', /incompatible_features is 1: the dirty bit/],
    ['the corrupt bit', u64(72, 2n), 'IMAGE_INVALID', /the corrupt bit/],
    ['an external data file', u64(72, 4n), 'IMAGE_INVALID', /external data file/],
    ['zstd without a type', u64(72, 8n), 'IMAGE_INVALID', /compression_type is 0/],
    ['an unknown feature', u64(72, 2n ** 63n), 'IMAGE_INVALID', /unknown bits 0x8000000000000000/],
    ['extended L2 entries in small clusters', u64(72, 16n), 'IMAGE_INVALID', /cluster_bits is 9/],
    ['a refcount width of 128', u32(96, 7), 'IMAGE_INVALID', /refcount_order is 7/],
    ['a header too short', u32(100, 72), 'IMAGE_INVALID', /header_length is 72/],
    ['a header longer than its cluster', u32(100, 520), 'IMAGE_INVALID', /header_length is 520/],
    ['a type without its feature', u32(104, 0x01000000), 'IMAGE_INVALID', /compression_type is 1/],
    ['an L2 table beyond the file', u64(512, 2n ** 40n), 'IMAGE_TRUNCATED', /L2 table/],
    ['a misaligned L2 table', u64(512, 1024n + 512n + 9n), 'IMAGE_INVALID', /guest offset 0 is 0x609: reserved bits/],
    ['an L2 table over the L1 table', u64(512, 512n), 'IMAGE_INVALID', /overlaps the L1 table/],
    ['reserved bits of an L1 entry', u64(512, (1n << 56n) | 1024n), 'IMAGE_INVALID', /reserved bits/],
    ['data beyond the file', u64(1024, (1n << 63n) | (1n << 40n)), 'IMAGE_TRUNCATED', /data of guest offset 0/],
    ['reserved bits of an L2 entry', u64(1024, (1n << 60n) | 1536n), 'IMAGE_INVALID', /reserved bits/],
    ['data in the header', u64(1024, 1n << 63n), 'IMAGE_INVALID', /data in the header/],
    ['compressed data beyond the file', u64(1024, (1n << 62n) | (1n << 40n)), 'IMAGE_TRUNCATED', /guest offset 0/],
    ['compressed data that is none', u64(1024, (1n << 62n) | 600n), 'IMAGE_INVALID', /guest offset 0.*is damaged/],
  ])('%s', async (_what, damage, code, message) => {
    const file = handMadeQcow2({ clusters: everyKind });
    damage(file);
    const error = await refusal(file);
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  it('misaligned data in clusters of more than a sector', async () => {
    const file = handMadeQcow2({ clusterBits: 12, clusters: [{ entry: (1n << 63n) | (4096n * 2n + 512n) }] });
    expect((await refusal(file)).message).toMatch(/not at the start of a cluster/);
  });

  it('a zero flag in version 2', async () => {
    expect((await refusal(handMadeQcow2({ version: 2, clusters: ['zero'] }))).message).toMatch(/no zero flag/);
  });

  it.each(['zlib', 'zstd'] as const)('a %s cluster that is shorter or longer than a cluster', async (compression) => {
    for (const bytes of [100, 511, 513, 100_000]) {
      const file = handMadeQcow2({ compression, clusters: [{ compressed: filled(1, bytes) }, { data: filled(2) }] });
      expect((await refusal(file)).code).toBe('IMAGE_INVALID');
    }
  });

  it('what does not fit, or is not what was stated', async () => {
    const source = new MemorySource(handMadeQcow2({ clusters: everyKind }));
    await expect(openQcow2(source, { maxBytes: 4095 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LONG' });
    await expect(openQcow2(source, { maxBytes: 9999, sizeBytes: 8192 })).rejects.toThrow(/size is 4096.*stated.*8192/);
  });

  it('every file that was cut', async () => {
    const file = handMadeQcow2({ clusters: [{ compressed: text() }, 'zero', { data: filled(1) }] });
    for (let length = 0; length < file.length; length += length < 112 ? 1 : 5) {
      const error = await refusal(file.subarray(0, length));
      expect(['IMAGE_TRUNCATED', 'IMAGE_INVALID']).toContain(error.code);
    }
  });
});

describe('a damaged qcow2 file', () => {
  it('is refused or read, but never crashes, hangs, or reads outside the file', async () => {
    const tablesEnd = 3 * 512;
    const file = handMadeQcow2({ clusters: everyKind });
    const value = fc.oneof(fc.constantFrom(0, 1, 0x40, 0x7f, 0x80, 0xff), fc.nat(255));
    const damage = fc.array(fc.tuple(fc.nat(tablesEnd - 1), value), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const damaged = Buffer.from(file);
        for (const [at, byte] of changes) damaged[at] = byte;
        const source = new MemorySource(damaged);
        try {
          const image = await openQcow2(source, { maxBytes: 2 ** 22 });
          expect((await expand(image)).length).toBe(image.sizeBytes);
        } catch (thrown) {
          if (!(thrown instanceof BtyError)) throw thrown;
          expect(['IMAGE_TRUNCATED', 'IMAGE_TOO_LONG', 'IMAGE_INVALID']).toContain(thrown.code);
        }
        expect(source.readBytes).toBeLessThan(2 ** 23);
      }),
      { numRuns: 1000 },
    );
  });
});
