import { applyPatches, type ExpectedDisk, MARGIN_BYTES, readPrimaryGpt } from '@bty/image-format';

/**
 * Where the parts of a disk lie that make it look bootable, or like a member of an old array: the head, which is written
 * last, and the tail, which is written before it, both when everything between is right. In bytes.
 */
export interface DiskZones {
  /** The head is the bytes before. */
  headBytes: number;
  /** The tail is the bytes from here to the end. */
  tailStartBytes: number;
  diskBytes: number;
}

/** A part of the disk whose bytes are known and held in memory. */
export interface FixedPiece {
  zone: 'head' | 'body' | 'tail';
  offsetBytes: number;
  bytes: Buffer;
}

/** Bytes at the end of a disk that a backup of the table in this head would take. */
export function backupTableBytes(head: Buffer, diskBytes: number): number {
  const reading = readPrimaryGpt(head);
  if (reading.kind !== 'valid') return 0;
  const { sectorBytes, entries } = reading.gpt;
  return (Math.ceil(entries.length / sectorBytes) + 1) * sectorBytes + (diskBytes % sectorBytes);
}

/**
 * The zones of a disk for an image with this first MiB, all of the image when it is smaller. The tail takes in the whole
 * backup of the partition table: firmware that finds the primary one missing boots by the backup.
 */
export function diskZones(headBytes: number, diskBytes: number, backupBytes: number): DiskZones {
  const tailBytes = Math.max(MARGIN_BYTES, backupBytes);
  return { headBytes, tailStartBytes: Math.max(headBytes, diskBytes - tailBytes), diskBytes };
}

/** Bytes at the end of the disk that the moved backup of the partition table takes; 0 when none is moved. */
export function movedBackupBytes({ patches, diskSizeBytes }: ExpectedDisk): number {
  const last = patches.at(-1);
  return last === undefined ? 0 : diskSizeBytes - last.offsetBytes;
}

/** Cuts bytes that are known at the borders of the zones. */
export function piecesOf(zones: DiskZones, offsetBytes: number, bytes: Buffer): FixedPiece[] {
  const borders: [FixedPiece['zone'], number, number][] = [
    ['head', 0, zones.headBytes],
    ['body', zones.headBytes, zones.tailStartBytes],
    ['tail', zones.tailStartBytes, zones.diskBytes],
  ];
  return borders.flatMap(([zone, start, end]) => {
    const from = Math.max(start, offsetBytes);
    const to = Math.min(end, offsetBytes + bytes.length);
    return from < to ? [{ zone, offsetBytes: from, bytes: bytes.subarray(from - offsetBytes, to - offsetBytes) }] : [];
  });
}

/** The chunks that lie in the body alone, from the first to, not including, the last; the others are fixed pieces. */
export function bodyChunks(
  zones: DiskZones,
  { chunkBytes, chunkCount, contentBytes }: { chunkBytes: number; chunkCount: number; contentBytes: number },
): { first: number; end: number } {
  const first = Math.min(chunkCount, Math.ceil(zones.headBytes / chunkBytes));
  const end = contentBytes > zones.tailStartBytes ? Math.floor(zones.tailStartBytes / chunkBytes) : chunkCount;
  return { first, end: Math.max(first, end) };
}

/** The bytes of the disk from the end of the image's body on that are known: the rest of the image, and the wiped end. */
export function tailPieces(
  zones: DiskZones,
  plan: ExpectedDisk,
  rest: { offsetBytes: number; bytes: Buffer },
): FixedPiece[] {
  const imageEnd = rest.offsetBytes + rest.bytes.length;
  const wipeStart = Math.max(imageEnd, Math.min(plan.wipe.offsetBytes, zones.diskBytes - movedBackupBytes(plan)));
  const known = [rest, { offsetBytes: wipeStart, bytes: Buffer.alloc(zones.diskBytes - wipeStart) }];
  return known.flatMap(({ offsetBytes, bytes }) => {
    applyPatches(plan.patches, bytes, offsetBytes);
    return piecesOf(zones, offsetBytes, bytes);
  });
}
