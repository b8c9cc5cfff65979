import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { efiSystemPartition } from './efi-system-partition.js';
import { expected, expectedDisk, MARGIN_BYTES } from './expected-disk.js';
import { readPrimaryGpt } from './gpt.js';
import { buildGptImage } from './gpt-image.builder.js';

const MIB = 1024 * 1024;

function noise(bytes: number, seed: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  let state = seed | 1;
  for (let at = 0; at < bytes; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    buffer[at] = state >>> 24;
  }
  return buffer;
}

/** What UEFI firmware checks of a disk's GPT (specification 2.10, 5.3.2), both copies. */
function assertSoundGpt(disk: Buffer, sector: number): void {
  const last = disk.length / sector - 1;
  const primary = disk.subarray(sector, 2 * sector);
  const backup = disk.subarray(last * sector);
  for (const [copy, my, alternate] of [
    [primary, 1, last],
    [backup, last, 1],
  ] as const) {
    const header = Buffer.from(copy.subarray(0, 92));
    const sum = header.readUInt32LE(16);
    header.writeUInt32LE(0, 16);
    expect(crc32(header) >>> 0).toBe(sum);
    expect(copy.toString('latin1', 0, 8)).toBe('EFI PART');
    expect(Number(copy.readBigUInt64LE(24))).toBe(my);
    expect(Number(copy.readBigUInt64LE(32))).toBe(alternate);
    const bytes = copy.readUInt32LE(80) * copy.readUInt32LE(84);
    const start = Number(copy.readBigUInt64LE(72)) * sector;
    expect(crc32(disk.subarray(start, start + bytes)) >>> 0).toBe(copy.readUInt32LE(88));
    expect(Number(copy.readBigUInt64LE(48))).toBe(last - Math.ceil(bytes / sector) - 1);
  }
  expect(disk.readUInt32LE(446 + 12)).toBe(last);
}

describe('expectedDisk', () => {
  const shapes = fc.record({
    sectorBytes: fc.constantFrom(512 as const, 4096 as const),
    imageSectors: fc.integer({ min: 100, max: 700 }),
    moreSectors: fc.integer({ min: 1, max: 5000 }),
    entryCount: fc.constantFrom(4, 56, 128),
    seed: fc.integer(),
  });

  it('moves a valid GPT to the end of any larger disk, and changes nothing else of the image', () => {
    fc.assert(
      fc.property(shapes, ({ sectorBytes, imageSectors, moreSectors, entryCount, seed }) => {
        const sizeBytes = imageSectors * sectorBytes;
        const fill = (image: Buffer): void => void noise(sizeBytes, seed).copy(image);
        const image = buildGptImage({ sizeBytes, sectorBytes, entryCount, fill });
        const before = noise(sizeBytes + moreSectors * sectorBytes, seed + 1);
        const disk = expected(image, before);
        assertSoundGpt(disk, sectorBytes);
        const arrayBytes = Math.ceil((entryCount * 128) / sectorBytes) * sectorBytes;
        const backupStart = disk.length - arrayBytes - sectorBytes;
        const body = Math.min(sizeBytes, backupStart);
        expect(disk.subarray(2 * sectorBytes, body).equals(image.subarray(2 * sectorBytes, body))).toBe(true);
        const wiped = Math.max(sizeBytes, disk.length - MARGIN_BYTES);
        expect(disk.subarray(sizeBytes, wiped).equals(before.subarray(sizeBytes, wiped))).toBe(true);
        expect(disk.subarray(wiped, backupStart).every((byte) => byte === 0)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('is the image itself on a disk of its size', () => {
    const image = buildGptImage({ sizeBytes: 2 * MIB });
    expect(expected(image, noise(2 * MIB, 3)).equals(image)).toBe(true);
    expect(expectedDisk(image.subarray(0, MIB), image.length, image.length)).toMatchObject({
      gpt: 'kept',
      patches: [],
    });
  });

  it('only wipes the last MiB when the image has no GPT', () => {
    const image = noise(MIB, 5);
    const before = noise(4 * MIB, 6);
    const disk = expected(image, before);
    expect(disk.subarray(0, MIB).equals(image)).toBe(true);
    expect(disk.subarray(MIB, 3 * MIB).equals(before.subarray(MIB, 3 * MIB))).toBe(true);
    expect(disk.subarray(3 * MIB).every((byte) => byte === 0)).toBe(true);
    expect(expectedDisk(image, image.length, disk.length).gpt).toBe('none');
  });

  it('wipes only what lies beyond the image when the disk is a little larger', () => {
    const image = noise(3 * MIB + 100, 5);
    const plan = expectedDisk(image.subarray(0, MIB), image.length, 3 * MIB + 512);
    expect(plan.wipe).toEqual({ offsetBytes: image.length, lengthBytes: 412 });
  });

  it.each<[string, (image: Buffer) => void, RegExp]>([
    ['a header with a wrong checksum', (image) => image.writeUInt8(7, 512 + 60), /checksum of its header/],
    ['entries with a wrong checksum', (image) => image.writeUInt8(7, 1024 + 300), /checksum of its array/],
  ])('leaves %s as the image has it', (_name, damage, note) => {
    const image = buildGptImage({ sizeBytes: 2 * MIB });
    damage(image);
    const plan = expectedDisk(image.subarray(0, MIB), image.length, 4 * MIB);
    expect(plan).toMatchObject({ gpt: 'untouched', patches: [], note: expect.stringMatching(note) });
  });

  it('leaves a GPT alone that was made for a disk of another size than the image', () => {
    const image = Buffer.concat([buildGptImage({ sizeBytes: 2 * MIB }), Buffer.alloc(MIB)]);
    const plan = expectedDisk(image.subarray(0, MIB), image.length, 4 * MIB);
    expect(plan).toMatchObject({ gpt: 'untouched', note: expect.stringContaining('the image ends at sector 6143') });
    const cut = image.subarray(0, MIB + 512);
    expect(expectedDisk(cut.subarray(0, MIB), cut.length, 4 * MIB)).toMatchObject({ gpt: 'untouched' });
  });

  it('leaves the protective entry of a hybrid MBR alone', () => {
    const image = buildGptImage({ sizeBytes: 2 * MIB });
    image.writeUInt32LE(33, 446 + 12);
    expect(expected(image, Buffer.alloc(4 * MIB)).readUInt32LE(446 + 12)).toBe(33);
  });

  it('caps the protective entry at what 32 bits can say', () => {
    const image = buildGptImage({ sizeBytes: 2 * MIB });
    const plan = expectedDisk(image.subarray(0, MIB), image.length, 3 * 1024 ** 4);
    expect(plan.patches[0]).toEqual({ offsetBytes: 458, bytes: Buffer.from('ffffffff', 'hex') });
  });

  it('refuses a disk that is smaller than the image', () => {
    expect(() => expectedDisk(Buffer.alloc(512), 1024, 512)).toThrow(RangeError);
  });
});

describe('readPrimaryGpt', () => {
  it('never throws, whatever the head of an image holds', () => {
    const head = buildGptImage({ sizeBytes: 2 * MIB }).subarray(0, 20_000);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(head.length - 1), fc.nat(255)), { maxLength: 30 }), (flips) => {
        const damaged = Buffer.from(head);
        for (const [at, byte] of flips) damaged[at] = byte;
        expect(['none', 'damaged', 'valid']).toContain(readPrimaryGpt(damaged).kind);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        expect(readPrimaryGpt(Buffer.from(bytes)).kind).toBe('none');
      }),
    );
  });

  it.each([512, 4096] as const)('tells sectors of %d bytes by where the header stands', (sectorBytes) => {
    const image = buildGptImage({ sizeBytes: 4 * MIB, sectorBytes });
    expect(readPrimaryGpt(image.subarray(0, MIB))).toMatchObject({ kind: 'valid', gpt: { sectorBytes } });
  });
});

describe('efiSystemPartition', () => {
  it('finds the partition that firmware boots from, with its GUID as tools print it', () => {
    const typeGuid = Buffer.from('28732ac11ff8d211ba4b00a0c93ec93b', 'hex');
    const reading = readPrimaryGpt(buildGptImage({ sizeBytes: 2 * MIB, typeGuid }));
    const found = reading.kind === 'valid' ? efiSystemPartition(reading.gpt) : undefined;
    expect(found).toEqual({ number: 1, guid: 'a5a5a5a5-a5a5-a5a5-a5a5-a5a5a5a5a5a5' });
  });

  it('finds none in a table without one', () => {
    const reading = readPrimaryGpt(buildGptImage({ sizeBytes: 2 * MIB }));
    expect(reading.kind === 'valid' && efiSystemPartition(reading.gpt)).toBeUndefined();
  });
});
