/** Places and limits of the map's format, version 1: docs/image-format.md. All numbers are little-endian. */
export const MAP_MAGIC = Buffer.from('\x89BTYMAP\n', 'latin1');
export const MAP_VERSION = 1;

/** Bytes from the start of the map. The digests are raw 32 bytes. */
export const MAP_FIELDS = {
  version: 8,
  chunkBytes: 12,
  contentBytes: 16,
  packBytes: 24,
  runCount: 32,
  dataChunkCount: 36,
  sectorBytes: 40,
  reserved: 44,
  sha256: 48,
  contentSha256: 80,
  packBlake3: 112,
} as const;
export const MAP_HEADER_BYTES = 144;

/** A run of data chunks: its first chunk, their count, and the place of its first frame in the pack. */
export const RUN_BYTES = 16;
export const RUN_FIELDS = { firstChunk: 0, chunkCount: 4, packOffset: 8 } as const;

export const DIGEST_BYTES = 32;
export const FRAME_LENGTH_BYTES = 4;

const MIN_CHUNK_BYTES = 4096;
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024;
/** A disk has fewer chunks than this, so that every number of chunks fits 32 bits with room for sums. */
export const MAX_CHUNKS = 2 ** 31;
/** What a frame may take beyond its chunk: zstd stores what it cannot compress, with 3 bytes for each 128 KiB. */
export const FRAME_OVERHEAD_BYTES = 1024;

/** Whether chunks may have this size: a power of two from 4 KiB to 4 MiB. */
export function isChunkSize(bytes: number): boolean {
  return bytes >= MIN_CHUNK_BYTES && bytes <= MAX_CHUNK_BYTES && Number.isInteger(Math.log2(bytes));
}
