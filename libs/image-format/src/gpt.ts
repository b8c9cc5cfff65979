import { crc32 } from 'node:zlib';

/** A GUID partition table as its primary copy states it (UEFI specification 2.10, chapter 5.3). Positions are in sectors. */
export interface Gpt {
  sectorBytes: 512 | 4096;
  /** The sector of the primary header, whole. */
  headerSector: Buffer;
  /** Bytes of the header that its checksum covers. */
  headerBytes: number;
  /** The array of entries, exactly as long as its checksum covers. */
  entries: Buffer;
  entriesLba: number;
  alternateLba: number;
  lastUsableLba: number;
}

/** What the head of a disk says about a GPT: there is none, it cannot be trusted, or here it is. */
export type GptReading = { kind: 'none' } | { kind: 'damaged'; reason: string } | { kind: 'valid'; gpt: Gpt };

const SIGNATURE = Buffer.from('EFI PART', 'latin1');
const MIN_HEADER_BYTES = 92;
const MAX_ENTRIES_BYTES = 1024 * 1024;

/** Places of the header's fields, in bytes from the start of its sector. */
export const GPT_FIELDS = {
  headerBytes: 12,
  headerCrc: 16,
  myLba: 24,
  alternateLba: 32,
  lastUsableLba: 48,
  entriesLba: 72,
  entryCount: 80,
  entryBytes: 84,
  entriesCrc: 88,
} as const;

/** Sectors that the array of entries takes. */
export function entriesSectors(gpt: Gpt): number {
  return Math.ceil(gpt.entries.length / gpt.sectorBytes);
}

/** The checksum of a header, computed with its own field taken as zero. */
export function headerCrc(headerSector: Buffer, headerBytes: number): number {
  const copy = Buffer.from(headerSector.subarray(0, headerBytes));
  copy.writeUInt32LE(0, GPT_FIELDS.headerCrc);
  return crc32(copy) >>> 0;
}

/** A 64-bit position as a number; infinite when it is larger than any disk, so that every comparison refuses it. */
function lbaAt(sector: Buffer, field: number): number {
  const value = sector.readBigUInt64LE(field);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(value);
}

function damaged(reason: string): GptReading {
  return { kind: 'damaged', reason };
}

function readEntries(head: Buffer, sectorBytes: number, header: Buffer): Buffer | string {
  const bytes = header.readUInt32LE(GPT_FIELDS.entryCount) * header.readUInt32LE(GPT_FIELDS.entryBytes);
  const start = lbaAt(header, GPT_FIELDS.entriesLba) * sectorBytes;
  if (bytes === 0 || bytes > MAX_ENTRIES_BYTES) return `its array of entries would have ${bytes} bytes`;
  if (start < 2 * sectorBytes || start + bytes > head.length) {
    return `its array of entries lies at byte ${start}, outside the first ${head.length} bytes`;
  }
  const entries = head.subarray(start, start + bytes);
  const sum = crc32(entries) >>> 0;
  return sum === header.readUInt32LE(GPT_FIELDS.entriesCrc) ? entries : 'the checksum of its array of entries is wrong';
}

function readAt(head: Buffer, sectorBytes: 512 | 4096): GptReading {
  const headerSector = head.subarray(sectorBytes, 2 * sectorBytes);
  if (headerSector.length < sectorBytes || !headerSector.subarray(0, 8).equals(SIGNATURE)) return { kind: 'none' };
  const headerBytes = headerSector.readUInt32LE(GPT_FIELDS.headerBytes);
  if (headerBytes < MIN_HEADER_BYTES || headerBytes > sectorBytes)
    return damaged(`its header has ${headerBytes} bytes`);
  if (headerCrc(headerSector, headerBytes) !== headerSector.readUInt32LE(GPT_FIELDS.headerCrc)) {
    return damaged('the checksum of its header is wrong');
  }
  if (lbaAt(headerSector, GPT_FIELDS.myLba) !== 1) return damaged('its header names another sector as its own');
  const entries = readEntries(head, sectorBytes, headerSector);
  if (typeof entries === 'string') return damaged(entries);
  return {
    kind: 'valid',
    gpt: {
      sectorBytes,
      headerSector,
      headerBytes,
      entries,
      entriesLba: lbaAt(headerSector, GPT_FIELDS.entriesLba),
      alternateLba: lbaAt(headerSector, GPT_FIELDS.alternateLba),
      lastUsableLba: lbaAt(headerSector, GPT_FIELDS.lastUsableLba),
    },
  };
}

/**
 * Reads the primary GPT out of the first bytes of a disk or image (1 MiB is enough for every table that the usual tools
 * make). The sector size, 512 or 4096, is told by where the header stands. The result shares memory with `head`.
 */
export function readPrimaryGpt(head: Buffer): GptReading {
  const small = readAt(head, 512);
  if (small.kind === 'valid') return small;
  const large = readAt(head, 4096);
  return large.kind === 'none' ? small : large;
}
