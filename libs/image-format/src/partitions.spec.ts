import { describe, expect, it } from 'vitest';
import { buildGptImage } from './gpt-image.builder.js';
import { listPartitions } from './partitions.js';

const MIB = 1024 * 1024;

function mbr(entries: readonly (readonly [type: number, start: number, sectors: number])[]): Buffer {
  const sector = Buffer.alloc(512);
  sector.writeUInt32LE(0x1234abcd, 440);
  for (const [index, [type, start, sectors]] of entries.entries()) {
    sector.writeUInt8(type, 446 + index * 16 + 4);
    sector.writeUInt32LE(start, 446 + index * 16 + 8);
    sector.writeUInt32LE(sectors, 446 + index * 16 + 12);
  }
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

function list(disk: Buffer, sectorBytes = 512) {
  return listPartitions(disk.subarray(0, MIB), sectorBytes, async (offset, length) =>
    disk.subarray(offset, offset + length),
  );
}

describe('listPartitions', () => {
  it.each([512, 4096] as const)('reads a GPT with sectors of %i bytes', async (sectorBytes) => {
    const disk = buildGptImage({ sizeBytes: 3 * MIB, sectorBytes });
    const arraySectors = Math.ceil((128 * 128) / sectorBytes);
    const offsetBytes = (2 + arraySectors) * sectorBytes;
    expect(await list(disk)).toEqual([
      {
        number: 1,
        offsetBytes,
        lengthBytes: 3 * MIB - offsetBytes - (1 + arraySectors) * sectorBytes,
        uuid: 'a5a5a5a5-a5a5-a5a5-a5a5-a5a5a5a5a5a5',
      },
    ]);
  });

  it.each([512, 4096])('reads an MBR in sectors of %i bytes', async (sectorBytes) => {
    const disk = Buffer.concat([
      mbr([
        [0x83, 2048, 100],
        [0, 0, 0],
        [0x82, 4096, 8],
      ]),
      Buffer.alloc(MIB),
    ]);
    expect(await list(disk, sectorBytes)).toEqual([
      { number: 1, offsetBytes: 2048 * sectorBytes, lengthBytes: 100 * sectorBytes, uuid: '1234abcd-01' },
      { number: 3, offsetBytes: 4096 * sectorBytes, lengthBytes: 8 * sectorBytes, uuid: '1234abcd-03' },
    ]);
  });

  it('follows the chain of logical partitions', async () => {
    const disk = Buffer.alloc(2 * MIB);
    mbr([
      [0x83, 63, 10],
      [0x0f, 2048, 2048],
    ]).copy(disk);
    mbr([
      [0x83, 8, 16],
      [0x05, 100, 200],
    ]).copy(disk, 2048 * 512);
    mbr([[0x83, 8, 32]]).copy(disk, 2148 * 512);
    expect(
      (await list(disk)).map(({ number, offsetBytes, lengthBytes }) => [number, offsetBytes / 512, lengthBytes / 512]),
    ).toEqual([
      [1, 63, 10],
      [5, 2056, 16],
      [6, 2156, 32],
    ]);
  });

  it('cuts a chain that runs in circles', async () => {
    const disk = Buffer.alloc(2 * MIB);
    mbr([[0x05, 2048, 2048]]).copy(disk);
    mbr([
      [0x83, 8, 16],
      [0x05, 0, 200],
    ]).copy(disk, 2048 * 512);
    expect((await list(disk)).length).toBeLessThanOrEqual(60);
  });

  it.each<[string, Buffer]>([
    ['an empty disk', Buffer.alloc(MIB)],
    [
      'a boot sector that is code',
      Buffer.concat([Buffer.alloc(446, 0x90), Buffer.alloc(64, 0xeb), Buffer.from([0x55, 0xaa]), Buffer.alloc(MIB)]),
    ],
    ['a protective MBR without its GPT', Buffer.concat([mbr([[0xee, 1, 4095]]), Buffer.alloc(MIB)])],
    ['a disk that is too short for a table', Buffer.alloc(100)],
  ])('finds none on %s', async (_name, disk) => {
    expect(await list(disk)).toEqual([]);
  });

  it('leaves out an entry of a GPT that ends before it begins', async () => {
    const disk = buildGptImage({ sizeBytes: 3 * MIB, typeGuid: Buffer.alloc(16) });
    expect(await list(disk)).toEqual([]);
  });
});
