/** Least bytes of a frame's header: the magic number. Most: magic 4, descriptor 1, window 1, dictionary 4, content size 8. */
export const MAX_HEADER_BYTES = 18;

/** The header of a Zstandard or skippable frame. `contentBytes` is undefined where the frame does not declare it. */
export type FrameHeader =
  | {
      kind: 'data';
      headerBytes: number;
      windowBytes: number;
      contentBytes: number | undefined;
      dictionaryId: number;
      checksum: boolean;
    }
  | { kind: 'skippable'; headerBytes: number; payloadBytes: number }
  | { kind: 'incomplete' }
  | { kind: 'invalid'; reason: string };

const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const SKIPPABLE_MAGIC_END = Buffer.from([0x2a, 0x4d, 0x18]);
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
// RFC 8878 3.1.1.1.4: a field of two bytes counts from 256
const TWO_BYTE_CONTENT_SIZE_OFFSET = 256;

/** Whether the bytes, as far as there are any, are the start of a skippable frame (RFC 8878 3.1.2: 0x184D2A50 to ...5F). */
export function startsSkippable(bytes: Uint8Array): boolean {
  if (bytes.length === 0 || ((bytes[0] ?? 0) & 0xf0) !== 0x50) return false;
  return SKIPPABLE_MAGIC_END.every((byte, at) => (bytes[at + 1] ?? byte) === byte);
}

/** Whether the bytes, as far as there are any, are the start of a Zstandard frame. */
export function startsZstd(bytes: Uint8Array): boolean {
  return bytes.length > 0 && MAGIC.every((byte, at) => (bytes[at] ?? byte) === byte);
}

/** RFC 8878 3.1.1.1.2: exponent of five bits over 2^10, mantissa of three bits in eighths. */
function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function contentSizeAt(bytes: Buffer, at: number, fieldBytes: number): number {
  if (fieldBytes === 8) return Number(bytes.readBigUInt64LE(at));
  return bytes.readUIntLE(at, fieldBytes) + (fieldBytes === 2 ? TWO_BYTE_CONTENT_SIZE_OFFSET : 0);
}

function readDataHeader(bytes: Buffer): FrameHeader {
  const descriptor = bytes[4];
  if (descriptor === undefined) return { kind: 'incomplete' };
  if ((descriptor & 0x08) !== 0) return { kind: 'invalid', reason: 'the reserved bit of its descriptor is set' };
  const singleSegment = (descriptor & 0x20) !== 0;
  const idBytes = DICTIONARY_ID_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3];
  const sizeFlag = (descriptor >> 6) as 0 | 1 | 2 | 3;
  const sizeBytes = sizeFlag === 0 && singleSegment ? 1 : CONTENT_SIZE_BYTES[sizeFlag];
  const idAt = singleSegment ? 5 : 6;
  const headerBytes = idAt + idBytes + sizeBytes;
  if (bytes.length < headerBytes) return { kind: 'incomplete' };
  const contentBytes = sizeBytes === 0 ? undefined : contentSizeAt(bytes, idAt + idBytes, sizeBytes);
  return {
    kind: 'data',
    headerBytes,
    windowBytes: singleSegment ? (contentBytes ?? 0) : windowOf(bytes[5] ?? 0),
    contentBytes,
    dictionaryId: idBytes === 0 ? 0 : bytes.readUIntLE(idAt, idBytes),
    checksum: (descriptor & 0x04) !== 0,
  };
}

/**
 * Reads the header of the frame that starts at the first byte (RFC 8878, 3.1.1 and 3.1.2). Sizes in bytes; `incomplete`
 * when the header goes on after the given bytes. A size above 2^53 is rounded; it is beyond every limit.
 */
export function readFrameHeader(bytes: Buffer): FrameHeader {
  if (bytes.length === 0) return { kind: 'incomplete' };
  if (startsSkippable(bytes)) {
    if (bytes.length < 8) return { kind: 'incomplete' };
    return { kind: 'skippable', headerBytes: 8, payloadBytes: bytes.readUInt32LE(4) };
  }
  if (!startsZstd(bytes)) return { kind: 'invalid', reason: 'no zstd frame starts here' };
  return readDataHeader(bytes);
}
