import { ImageMap } from '@bty/image-format';
import { blake3 } from '@napi-rs/blake-hash';
import { type AskPorts, fetchWhole } from './fetch-whole.js';

/** Where a map is, and what is known of it: its length where somebody stated it, its BLAKE3-256 in hex. */
export interface MapPlace {
  url: string;
  sizeBytes?: number | undefined;
  blake3: string;
}

/** A map, and its bytes in memory that threads can share. */
export interface FetchedMap {
  map: ImageMap;
  bytes: Buffer;
}

// A map takes about 40 bytes a chunk; larger ones are not made.
const MAX_MAP_BYTES = 256 * 1024 * 1024;

/** Fetches the map of an image, checks it, and reads it. Throws as `fetchWhole` does. */
export async function fetchMap(place: MapPlace, ports: AskPorts, signal: AbortSignal): Promise<FetchedMap> {
  const file = {
    url: place.url,
    what: "the image's map",
    maxBytes: place.sizeBytes ?? MAX_MAP_BYTES,
    isRight: (bytes: Buffer) => blake3(bytes).toString('hex') === place.blake3,
    codes: { refused: 'IMAGE_UNAVAILABLE', tooLong: 'IMAGE_TOO_LONG' },
  } as const;
  const received = await fetchWhole(file, ports, signal);
  const bytes = Buffer.from(new SharedArrayBuffer(received.length));
  received.copy(bytes);
  return { map: ImageMap.parse(bytes), bytes };
}
