import { setTimeout as sleep } from 'node:timers/promises';
import { ImageMap } from '@bty/image-format';
import { BtyError } from '@bty/wire-types';
import { blake3 } from '@napi-rs/blake-hash';
import { fullJitterMs } from '../backoff.js';
import { ask } from '../http-ask.js';

/** Where a map is, and what is known of it: its length where somebody stated it, its BLAKE3-256 in hex. */
export interface MapPlace {
  url: string;
  sizeBytes?: number | undefined;
  blake3: string;
}

/** What fetching a map needs. */
export interface MapPorts {
  authorization?(): string | undefined;
  onRetry(reason: string): void;
  stallMs?: number;
  backoff?: { baseMs: number; capMs: number };
}

/** A map, and its bytes in memory that threads can share. */
export interface FetchedMap {
  map: ImageMap;
  bytes: Buffer;
}

const STALL_MS = 30_000;
const MAX_DAMAGED = 3;
// A map takes about 40 bytes a chunk; larger ones are not made.
const MAX_MAP_BYTES = 256 * 1024 * 1024;

function refuse(status: number): BtyError {
  const details = { status };
  if (status === 401 || status === 403) {
    return new BtyError('UNAUTHENTICATED', `the server does not let this agent read the image's map (${status})`, {
      details,
    });
  }
  return new BtyError('IMAGE_UNAVAILABLE', `the server answered ${status} for the image's map`, { details });
}

async function attempt(place: MapPlace, ports: MapPorts, signal: AbortSignal): Promise<Buffer> {
  const authorization = ports.authorization?.();
  const response = await ask(place.url, {
    stallMs: ports.stallMs ?? STALL_MS,
    signal,
    agent: false,
    headers: { 'accept-encoding': 'identity', ...(authorization === undefined ? {} : { authorization }) },
  });
  const status = response.statusCode ?? 0;
  try {
    if (status >= 500 || status === 408 || status === 429) throw new Error(`the server answered ${status}`);
    if (status !== 200) throw refuse(status);
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of response as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > (place.sizeBytes ?? MAX_MAP_BYTES)) {
        throw new BtyError('IMAGE_TOO_LONG', `the image's map goes on after ${place.sizeBytes ?? MAX_MAP_BYTES} bytes`);
      }
      parts.push(part);
    }
    return Buffer.concat(parts);
  } finally {
    response.on('error', () => undefined).destroy();
  }
}

/**
 * Fetches the map of an image, checks it, and reads it. While the server is away it is asked again and again; a map that
 * comes damaged is fetched anew a few times. Throws a BtyError, or the signal's reason.
 */
export async function fetchMap(place: MapPlace, ports: MapPorts, signal: AbortSignal): Promise<FetchedMap> {
  let damaged = 0;
  for (let failures = 0; ; failures += 1) {
    let problem: string;
    try {
      const bytes = await attempt(place, ports, signal);
      if (blake3(bytes).toString('hex') === place.blake3) return shared(bytes);
      damaged += 1;
      problem = `it came damaged, with ${bytes.length} bytes`;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof BtyError) throw error;
      problem = (error as Error).message || ((error as NodeJS.ErrnoException).code ?? 'unknown failure');
    }
    if (damaged === MAX_DAMAGED) {
      throw new BtyError('DIGEST_MISMATCH', `the image's map came damaged ${damaged} times`, {
        details: { url: place.url, expected: place.blake3 },
      });
    }
    ports.onRetry(`the image's map was not fetched: ${problem}; trying again`);
    const { baseMs, capMs } = ports.backoff ?? {};
    await sleep(fullJitterMs(failures, Math.random(), baseMs, capMs), undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

function shared(map: Buffer): FetchedMap {
  const bytes = Buffer.from(new SharedArrayBuffer(map.length));
  map.copy(bytes);
  return { map: ImageMap.parse(bytes), bytes };
}
