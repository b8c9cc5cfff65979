import 'reflect-metadata';
import { BtyError } from '@bty/wire-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CompressParameters, compress } from 'zstd-napi';
import { expand, MemorySource, streamOf } from '../../test/sources.js';
import { type ZstdLimits, zstdContent } from './zstd-content.js';
import { zstdContentSize } from './zstd-content-size.js';

const limits: ZstdLimits = { maxBytes: 2 ** 40 };
const disk = Buffer.concat([
  Buffer.alloc(4000),
  Buffer.alloc(3000, 'bty makes a disk equal to an image. '),
  Buffer.alloc(99),
]);

function frame(bytes: Buffer, parameters: CompressParameters = {}): Buffer {
  return compress(bytes, { checksumFlag: true, ...parameters });
}

function skippable(payloadBytes: number, variant = 0): Buffer {
  const head = Buffer.from([0x50 + variant, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
  head.writeUInt32LE(payloadBytes, 4);
  return Buffer.concat([head, Buffer.alloc(payloadBytes, 0x28)]);
}

/** Raw zstd blocks by hand (RFC 8878, 3.1.1): a frame of no declared size, with a window of 1 KiB or of the exponent. */
function handMadeFrame(bytes: Buffer, windowExponent = 0): Buffer {
  const block = Buffer.alloc(3);
  block.writeUIntLE((bytes.length << 3) | 1, 0, 3);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, windowExponent << 3]), block, bytes]);
}

async function decoded(file: Buffer, chunkBytes?: number, bounds = limits): Promise<Buffer> {
  return expand(zstdContent(streamOf(file, chunkBytes), bounds));
}

async function refusal(file: Buffer, bounds = limits, chunkBytes?: number): Promise<BtyError> {
  try {
    await decoded(file, chunkBytes, bounds);
  } catch (thrown) {
    if (thrown instanceof BtyError) return thrown;
    throw thrown;
  }
  throw new Error('was not refused');
}

const layouts: [string, Buffer, Buffer, number | undefined][] = [
  ['one frame', frame(disk), disk, disk.length],
  [
    'many frames',
    Buffer.concat([frame(disk), frame(disk), frame(disk)]),
    Buffer.concat([disk, disk, disk]),
    3 * disk.length,
  ],
  [
    'skippable and empty frames everywhere',
    Buffer.concat([
      skippable(0),
      skippable(70_000, 15),
      frame(Buffer.alloc(0)),
      frame(disk),
      skippable(1, 3),
      frame(disk),
      skippable(0),
    ]),
    Buffer.concat([disk, disk]),
    2 * disk.length,
  ],
  ['a frame of unknown size', frame(disk, { contentSizeFlag: false }), disk, undefined],
  ['a stored block', handMadeFrame(Buffer.from('bty')), Buffer.from('bty'), undefined],
  ['frames without checksums', frame(disk, { checksumFlag: false }), disk, disk.length],
];

describe('a .img.zst file', () => {
  it.each(layouts)('of %s gives its bytes, however it is cut into chunks', async (_what, file, bytes) => {
    for (const chunkBytes of [1, 2, 7, 1000, file.length]) expect(await decoded(file, chunkBytes)).toEqual(bytes);
  });

  it.each(layouts)('of %s tells its size without being decompressed', async (_what, file, _bytes, sizeBytes) => {
    expect(await zstdContentSize(new MemorySource(file))).toBe(sizeBytes);
  });

  it('gives pieces of 1 MiB whatever the chunks, and knows where they belong', async () => {
    const file = frame(Buffer.alloc(2_500_000, 'abc'));
    const places: [number, number][] = [];
    for await (const piece of zstdContent(streamOf(file, 13), limits).pieces()) {
      if ('bytes' in piece) places.push([piece.offsetBytes, piece.bytes.length]);
    }
    expect(places).toEqual([
      [0, 1048576],
      [1048576, 1048576],
      [2097152, 402848],
    ]);
  });

  it('stops with the reason of the signal', async () => {
    const content = zstdContent(streamOf(frame(disk)), limits);
    await expect(expand(content, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});

describe('refuses', () => {
  const two = Buffer.concat([frame(disk), skippable(5), frame(disk)]);
  const whole = new Set([frame(disk).length, frame(disk).length + 13]);

  it('every file that was cut, at any byte', async () => {
    for (let length = 0; length < two.length; length += 1) {
      const cut = two.subarray(0, length);
      if (whole.has(length)) {
        const bounds = { maxBytes: 99_999, sizeBytes: 2 * disk.length };
        expect((await refusal(cut, bounds)).code).toBe('IMAGE_TRUNCATED');
        continue;
      }
      const error = await refusal(cut);
      expect([error.code, error.details['fileOffsetBytes'] ?? 0]).toEqual(['IMAGE_TRUNCATED', length]);
      if (length > 0) await expect(zstdContentSize(new MemorySource(cut))).rejects.toThrow(BtyError);
    }
  });

  it('every flipped bit of checksummed frames that changes the bytes', async () => {
    const file = frame(disk);
    for (let bit = 0; bit < file.length * 8; bit += 1) {
      const flipped = Buffer.from(file);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const outcome = await decoded(flipped, undefined, { maxBytes: 2 ** 20 }).catch((thrown: unknown) => thrown);
      if (!(outcome instanceof BtyError)) expect(outcome).toEqual(disk);
    }
  });

  it.each([
    ['a line feed', Buffer.from('\n')],
    ['zeros', Buffer.alloc(512)],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0])],
  ])('junk after the last frame: %s', async (_what, junk) => {
    const error = await refusal(Buffer.concat([frame(disk), junk]));
    expect(error.code).toBe('IMAGE_INVALID');
    expect(error.details).toMatchObject({ fileOffsetBytes: frame(disk).length, rawOffsetBytes: disk.length });
    await expect(zstdContentSize(new MemorySource(Buffer.concat([frame(disk), junk])))).rejects.toThrow(BtyError);
  });

  it('a wrong checksum, and names the frame', async () => {
    const file = Buffer.concat([frame(disk), frame(disk)]);
    file[file.length - 1] = (file[file.length - 1] ?? 0) ^ 1;
    const error = await refusal(file);
    expect(error.code).toBe('IMAGE_INVALID');
    expect(error.details['frameOffsetBytes']).toBe(frame(disk).length);
    expect(error.message).toMatch(/checksum/);
  });

  it('more than there is room for: by the declaration at once, else when it is reached', async () => {
    const bomb = frame(Buffer.alloc(8 * 1024 * 1024));
    const declared = await refusal(bomb, { maxBytes: 1_000_000 });
    expect([declared.code, declared.details['rawOffsetBytes']]).toEqual(['IMAGE_TOO_LONG', 0]);
    const undeclared = frame(Buffer.alloc(8 * 1024 * 1024), { contentSizeFlag: false });
    expect((await refusal(undeclared, { maxBytes: 3_000_000 })).code).toBe('IMAGE_TOO_LONG');
    expect((await refusal(bomb, { maxBytes: 2 ** 30, sizeBytes: 5 })).code).toBe('IMAGE_TOO_LONG');
    expect(() => zstdContent(streamOf(bomb), { maxBytes: 5, sizeBytes: 6 })).toThrow(BtyError);
  });

  it('a window above the cap, before memory is taken for it', async () => {
    expect(await decoded(handMadeFrame(Buffer.from('x'), 17))).toEqual(Buffer.from('x'));
    const error = await refusal(handMadeFrame(Buffer.from('x'), 18));
    expect(error.message).toMatch(/window of 268435456 bytes, at most 134217728/);
    const small = { ...limits, maxWindowBytes: 8 * 1024 * 1024 };
    expect((await refusal(handMadeFrame(Buffer.from('x'), 14), small)).code).toBe('IMAGE_INVALID');
  });

  it('dictionaries, other formats, and what is compressed twice', async () => {
    const dictionary = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 0, 77, 1, 0, 0]);
    expect((await refusal(dictionary)).message).toMatch(/dictionary 77/);
    expect((await refusal(Buffer.from('not zstd at all'))).code).toBe('IMAGE_INVALID');
    expect((await refusal(frame(frame(disk)))).message).toMatch(/decompressed image is compressed by zstd/);
    expect((await refusal(skippable(9))).code).toBe('IMAGE_TRUNCATED');
  });
});

describe('a damaged .img.zst file', () => {
  it('is refused or read, but never crashes, hangs, or grows', async () => {
    const file = Buffer.concat([skippable(3), frame(disk, { checksumFlag: false }), frame(Buffer.alloc(300_000))]);
    const change = fc.tuple(fc.nat(file.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 200 }),
        async (changes, chunkBytes) => {
          const damaged = Buffer.from(file);
          for (const [at, byte] of changes) damaged[at] = byte;
          for (const reading of [
            decoded(damaged, chunkBytes, { maxBytes: 2 ** 20 }),
            zstdContentSize(new MemorySource(damaged)),
          ]) {
            const outcome = await reading.catch((thrown: unknown) => thrown);
            if (outcome instanceof Error && !(outcome instanceof BtyError)) throw outcome;
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
