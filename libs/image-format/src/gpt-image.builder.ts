import { crc32 } from 'node:zlib';

/** What to put into a test image. Sizes in bytes. */
export interface GptImageShape {
  sizeBytes: number;
  sectorBytes?: 512 | 4096;
  entryCount?: number;
  /** Type GUID bytes of the first partition. */
  typeGuid?: Buffer;
  fill?: (image: Buffer) => void;
}

const LINUX_DATA = Buffer.from('af3dc60f838472478e793d69d8477de4', 'hex');

function header(
  sector: number,
  my: number,
  alternate: number,
  entries: number,
  shape: Required<GptImageShape>,
): Buffer {
  const bytes = Buffer.alloc(sector);
  const last = shape.sizeBytes / sector - 1;
  const arraySectors = Math.ceil((shape.entryCount * 128) / sector);
  bytes.write('EFI PART', 0, 'latin1');
  bytes.writeUInt32LE(0x00010000, 8);
  bytes.writeUInt32LE(92, 12);
  bytes.writeBigUInt64LE(BigInt(my), 24);
  bytes.writeBigUInt64LE(BigInt(alternate), 32);
  bytes.writeBigUInt64LE(BigInt(2 + arraySectors), 40);
  bytes.writeBigUInt64LE(BigInt(last - arraySectors - 1), 48);
  bytes.fill(0x5a, 56, 72);
  bytes.writeBigUInt64LE(BigInt(entries), 72);
  bytes.writeUInt32LE(shape.entryCount, 80);
  bytes.writeUInt32LE(128, 84);
  return bytes;
}

function seal(sector: Buffer, entries: Buffer): Buffer {
  sector.writeUInt32LE(crc32(entries) >>> 0, 88);
  sector.writeUInt32LE(crc32(sector.subarray(0, 92)) >>> 0, 16);
  return sector;
}

/** An image with a protective MBR, one partition over all usable sectors, and both copies of a valid GPT. */
export function buildGptImage(given: GptImageShape): Buffer {
  const shape = { sectorBytes: 512, entryCount: 128, typeGuid: LINUX_DATA, fill: () => undefined, ...given } as const;
  const sector = shape.sectorBytes;
  const last = shape.sizeBytes / sector - 1;
  const arraySectors = Math.ceil((shape.entryCount * 128) / sector);
  const image = Buffer.alloc(shape.sizeBytes);
  shape.fill(image);
  image.fill(0, 0, (2 + arraySectors) * sector);
  image.writeUInt8(0xee, 446 + 4);
  image.writeUInt32LE(1, 446 + 8);
  image.writeUInt32LE(last, 446 + 12);
  image.writeUInt16LE(0xaa55, 510);
  const entries = Buffer.alloc(shape.entryCount * 128);
  shape.typeGuid.copy(entries, 0);
  entries.fill(0xa5, 16, 32);
  entries.writeBigUInt64LE(BigInt(2 + arraySectors), 32);
  entries.writeBigUInt64LE(BigInt(last - arraySectors - 1), 40);
  seal(header(sector, 1, last, 2, shape), entries).copy(image, sector);
  entries.copy(image, 2 * sector);
  entries.copy(image, (last - arraySectors) * sector);
  seal(header(sector, last, 1, last - arraySectors, shape), entries).copy(image, last * sector);
  return image;
}
