import { MAX_CHUNK_BYTES } from './map-layout.js';

const USUAL_CHUNK_BYTES = 64 * 1024;
/** Bounds the map, which an agent holds in memory, to 23 MiB: 44 bytes a chunk there. */
const MOST_CHUNKS = 2 ** 19;

/**
 * The chunk size for a disk of so many bytes: 64 KiB up to 32 GiB, then twice as much for each doubling, at most 4 MiB.
 * Depends on nothing else, so that the same disk gives the same pack whatever format it came in. Why 64 KiB:
 * docs/adr/0004-chunk-size.md.
 */
export function chunkBytesFor(contentBytes: number): number {
  let chunkBytes = USUAL_CHUNK_BYTES;
  while (contentBytes > chunkBytes * MOST_CHUNKS && chunkBytes < MAX_CHUNK_BYTES) chunkBytes *= 2;
  return chunkBytes;
}
