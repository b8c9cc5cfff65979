import { ImageMap } from '@bty/image-format';
import type { JobImage } from '@bty/wire-types';
import { blake3 } from '@napi-rs/blake-hash';
import { MAP_FIELDS } from '../../../../libs/image-format/src/map/map-layout.js';
import { packOf } from '../../../../libs/image-format/src/pack/pack-of.builder.js';
import type { FetchedMap } from '../source/fetch-map.js';

/** An image as a server that has prepared it has it. */
export interface PackedImage extends FetchedMap {
  pack: Buffer;
  /** BLAKE3-256 of the map, in hex. */
  mapDigest: string;
  /** What an order says of it. */
  job: JobImage;
}

/** Prepares a raw image; `sectorBytes` is what its partition table was made for. */
export function packImage(
  image: Buffer,
  { chunkBytes = 64 * 1024, sectorBytes = 0 }: { chunkBytes?: number; sectorBytes?: number } = {},
): PackedImage {
  const { pack, map: bytes } = packOf(image, chunkBytes);
  bytes.writeUInt32LE(sectorBytes, MAP_FIELDS.sectorBytes);
  const map = ImageMap.parse(bytes);
  const mapDigest = blake3(bytes).toString('hex');
  const job: JobImage = {
    name: 'test.img',
    format: 'img',
    size_bytes: image.length,
    sha256: map.sha256,
    content_size_bytes: image.length,
    content_sha256: map.contentSha256,
    map: { path: `/maps/${mapDigest}`, size_bytes: bytes.length, blake3: mapDigest },
  };
  return { map, bytes, pack, mapDigest, job };
}
