import { entriesSectors, GPT_FIELDS, type Gpt, headerCrc, readPrimaryGpt } from './gpt.js';

/** The head and the tail of a disk, in bytes, that make it look bootable or like a member of an old array. */
export const MARGIN_BYTES = 1024 * 1024;

/** Bytes that replace what the image says, or what the disk held, at one place. */
export interface Patch {
  offsetBytes: number;
  bytes: Buffer;
}

export interface ByteRange {
  offsetBytes: number;
  lengthBytes: number;
}

/**
 * How a disk differs from the plain bytes of the image on it.
 * `gpt` is `none` (the image has no GPT), `kept` (the disk is as large as the image), `relocated`, or `untouched` (`note`
 * says why the table could not be moved).
 */
export interface ExpectedDisk {
  imageSizeBytes: number;
  diskSizeBytes: number;
  gpt: 'none' | 'kept' | 'relocated' | 'untouched';
  note?: string;
  /** The part of the disk's last MiB that lies beyond the image: zero, apart from the patches. May be empty. */
  wipe: ByteRange;
  /** In ascending order, not overlapping; they count over the image and over the wipe. */
  patches: Patch[];
}

function sealed(gpt: Gpt, change: (header: Buffer) => void): Buffer {
  const header = Buffer.from(gpt.headerSector);
  change(header);
  header.writeUInt32LE(headerCrc(header, gpt.headerBytes), GPT_FIELDS.headerCrc);
  return header;
}

const PARTITION_TABLE = 446;
const PROTECTIVE_TYPE = 0xee;

/**
 * The protective MBR's size field for the new disk, where it covered the whole image before. A hybrid MBR whose
 * protective entry ends earlier says something else on purpose and is left alone.
 */
function protectiveMbrPatch(head: Buffer, imageSectors: number, diskSectors: number): Patch[] {
  const patches: Patch[] = [];
  if (head.readUInt16LE(510) !== 0xaa55) return patches;
  for (let entry = PARTITION_TABLE; entry < 510; entry += 16) {
    const startLba = head.readUInt32LE(entry + 8);
    const sectors = head.readUInt32LE(entry + 12);
    const coversImage = startLba === 1 && startLba + sectors >= Math.min(imageSectors, 0xffffffff);
    if (head[entry + 4] !== PROTECTIVE_TYPE || !coversImage) continue;
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(Math.min(diskSectors - 1, 0xffffffff));
    patches.push({ offsetBytes: entry + 12, bytes });
  }
  return patches;
}

function relocation(head: Buffer, gpt: Gpt, imageSectors: number, diskSectors: number): Patch[] {
  const arraySectors = entriesSectors(gpt);
  const lastLba = diskSectors - 1;
  const backupEntriesLba = lastLba - arraySectors;
  const lastUsableLba = BigInt(backupEntriesLba - 1);
  const primary = sealed(gpt, (header) => {
    header.writeBigUInt64LE(BigInt(lastLba), GPT_FIELDS.alternateLba);
    header.writeBigUInt64LE(lastUsableLba, GPT_FIELDS.lastUsableLba);
  });
  const backup = sealed(gpt, (header) => {
    header.writeBigUInt64LE(BigInt(lastLba), GPT_FIELDS.myLba);
    header.writeBigUInt64LE(1n, GPT_FIELDS.alternateLba);
    header.writeBigUInt64LE(lastUsableLba, GPT_FIELDS.lastUsableLba);
    header.writeBigUInt64LE(BigInt(backupEntriesLba), GPT_FIELDS.entriesLba);
  });
  const end = Buffer.alloc((arraySectors + 1) * gpt.sectorBytes);
  gpt.entries.copy(end);
  backup.copy(end, arraySectors * gpt.sectorBytes);
  return [
    ...protectiveMbrPatch(head, imageSectors, diskSectors),
    { offsetBytes: gpt.sectorBytes, bytes: primary },
    { offsetBytes: backupEntriesLba * gpt.sectorBytes, bytes: end },
  ];
}

/** Why a table that is valid in itself cannot be moved to the end of the disk; undefined when it can. */
function obstacle(gpt: Gpt, imageSectors: number, diskSectors: number): string | undefined {
  if (gpt.alternateLba !== imageSectors - 1) {
    return `its backup is stated at sector ${gpt.alternateLba}, the image ends at sector ${imageSectors - 1}`;
  }
  if (gpt.lastUsableLba + entriesSectors(gpt) + 1 > gpt.alternateLba) {
    return 'it leaves no room for its backup';
  }
  return diskSectors > imageSectors ? undefined : 'the disk has no whole sector beyond the image';
}

/**
 * The expected disk: what a disk of `diskSizeBytes` must hold after the image was flashed to it.
 *
 * Bytes 0 to `imageSizeBytes` equal the image. On a larger disk the last MiB, as far as it lies beyond the image, is zero,
 * and a valid GPT is moved: the primary header (alternate LBA, last usable LBA, checksums), the protective MBR's size,
 * and the backup entries and header at the very end change; those win over the image where the two touch. Bytes between
 * are whatever the disk held, and the image's old backup copy in mid-disk stays. A GPT that is damaged, or that was not
 * made for a disk of the image's size, is left as the image has it: bty does not repair what it did not make.
 *
 * `head` is the first MiB of the image (all of it when the image is smaller). Sizes in bytes; throws RangeError when the
 * disk is smaller than the image.
 */
export function expectedDisk(head: Buffer, imageSizeBytes: number, diskSizeBytes: number): ExpectedDisk {
  if (diskSizeBytes < imageSizeBytes) throw new RangeError('the disk is smaller than the image');
  const wipeStart = Math.max(imageSizeBytes, diskSizeBytes - MARGIN_BYTES);
  const wipe = { offsetBytes: wipeStart, lengthBytes: diskSizeBytes - wipeStart };
  const plain = { imageSizeBytes, diskSizeBytes, wipe, patches: [] };
  const reading = readPrimaryGpt(head);
  if (reading.kind === 'none') return { ...plain, gpt: 'none' };
  if (diskSizeBytes === imageSizeBytes) return { ...plain, gpt: 'kept' };
  if (reading.kind === 'damaged') return { ...plain, gpt: 'untouched', note: reading.reason };
  const { gpt } = reading;
  const imageSectors = imageSizeBytes / gpt.sectorBytes;
  const diskSectors = Math.floor(diskSizeBytes / gpt.sectorBytes);
  const note = obstacle(gpt, imageSectors, diskSectors);
  if (note !== undefined) return { ...plain, gpt: 'untouched', note };
  return { ...plain, gpt: 'relocated', patches: relocation(head, gpt, imageSectors, diskSectors) };
}

/** Writes the parts of the patches that fall into a piece of the disk into that piece, which starts at `offsetBytes`. */
export function applyPatches(patches: readonly Patch[], piece: Buffer, offsetBytes: number): void {
  for (const patch of patches) {
    const from = Math.max(patch.offsetBytes, offsetBytes);
    const to = Math.min(patch.offsetBytes + patch.bytes.length, offsetBytes + piece.length);
    if (from < to) {
      patch.bytes.copy(piece, from - offsetBytes, from - patch.offsetBytes, to - patch.offsetBytes);
    }
  }
}

/**
 * The whole expected disk in memory, from the image and what the disk held before: the definition that the engine, its
 * tests and the lab compare with. Only for images that fit into memory.
 */
export function expected(image: Buffer, diskBefore: Buffer): Buffer {
  const disk = Buffer.from(diskBefore);
  const plan = expectedDisk(image.subarray(0, MARGIN_BYTES), image.length, disk.length);
  image.copy(disk);
  disk.fill(0, plan.wipe.offsetBytes);
  applyPatches(plan.patches, disk, 0);
  return disk;
}
