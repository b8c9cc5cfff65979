import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import {
  HEAD_BYTES,
  type ImageContent,
  openQcow2,
  type RandomAccess,
  rawContent,
  readFormat,
  zstdContent,
  zstdContentSize,
} from '@bty/image-format';
import { BtyError, type ImageFormat } from '@bty/wire-types';
import { type FetchedMap, fetchMap } from './fetch-map.js';
import { openImageFile } from './image-file.js';
import { lookAtUrl, type ReadPorts, RemoteFile } from './image-url.js';
import { servesNoRanges } from './range-answer.js';
import { packFile, type RangedFile, type RangedPorts } from './ranged-source.js';
import { readAhead } from './read-ahead.js';
import { StreamedFile } from './streamed-file.js';

/** An image that somebody named by path or URL: behind a map, or read in order. */
export type OpenImage = { name: string; sizeBytes: number } & (
  | ({ kind: 'packed'; fetched: FetchedMap; pack: RangedFile } & Required<Pick<RangedPorts, 'authorization'>>)
  | {
      kind: 'content';
      format: ImageFormat;
      /** Bytes of the disk; undefined when only the end of the image tells. */
      contentBytes: number | undefined;
      /** The content, for a disk with that much room. */
      content(maxBytes: number, signal: AbortSignal): Promise<ImageContent>;
      fetchedBytes(): number;
      close(): Promise<void>;
    }
);

type Source = RandomAccess & { fetchedBytes?: number; close(): Promise<void> };

/** An open image, and what stands at its start. */
interface Begun {
  source: Source;
  head: Uint8Array;
}

async function begin(source: Source, signal: AbortSignal): Promise<Begun> {
  try {
    return { source, head: await source.read(0, Math.min(HEAD_BYTES, source.sizeBytes), signal) };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Whether an image is named by a URL, not by a path. */
export const isUrl = (text: string): boolean => /^https?:\/\//i.test(text);

const nameOf = (image: string): string =>
  isUrl(image) ? decodeURIComponent(basename(new URL(image).pathname)) : basename(image);

async function checkDigest(source: RandomAccess, sha256: string, signal: AbortSignal): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of readAhead(source)(signal)) hash.update(chunk);
  const actual = hash.digest('hex');
  if (actual !== sha256) throw wrongDigest(sha256, actual);
}

function wrongDigest(expected: string, actual: string): BtyError {
  return new BtyError('DIGEST_MISMATCH', `the image has the SHA-256 ${actual}, not ${expected}`, {
    details: { expected, actual },
  });
}

async function contentSize(
  format: ImageFormat,
  source: RandomAccess,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (format === 'img') return source.sizeBytes;
  if (format === 'img.zst') return zstdContentSize(source, signal);
  return (await openQcow2(source, { maxBytes: Number.MAX_SAFE_INTEGER }, signal)).virtualSizeBytes;
}

function contentFrom(format: ImageFormat, source: RandomAccess, contentBytes: number | undefined) {
  return async (maxBytes: number, signal: AbortSignal): Promise<ImageContent> => {
    const limits = { maxBytes, ...(contentBytes === undefined ? {} : { sizeBytes: contentBytes }) };
    if (format === 'img') return rawContent(readAhead(source), limits);
    if (format === 'img.zst') return zstdContent(readAhead(source), limits);
    return openQcow2(source, limits, signal);
  };
}

async function readInOrder(name: string, { source, head }: Begun, sha256: string | undefined, signal: AbortSignal) {
  const reading = readFormat(name, head);
  if (reading.kind === 'refused') throw new BtyError('IMAGE_INVALID', reading.reason);
  if (sha256 !== undefined) await checkDigest(source, sha256, signal);
  const { format } = reading;
  const streamed = source instanceof StreamedFile;
  if (streamed && format === 'qcow2') {
    const message = 'a qcow2 image is read in pieces, and the server does not serve ranges: download it first';
    throw new BtyError('IMAGE_UNAVAILABLE', message, { details: { image: name } });
  }
  // What the headers all over a .zst file tell comes too late where each byte passes once.
  const told = !streamed || format === 'img';
  const contentBytes = told ? await contentSize(format, source, signal) : undefined;
  return {
    kind: 'content' as const,
    name,
    sizeBytes: source.sizeBytes,
    format,
    contentBytes,
    content: contentFrom(format, source, contentBytes),
    fetchedBytes: () => source.fetchedBytes ?? 0,
    close: () => source.close(),
  };
}

async function openMapped(
  name: string,
  mapUrl: string,
  sizeBytes: number,
  sha256: string | undefined,
  { access, onRetry }: ReadPorts,
  signal: AbortSignal,
): Promise<OpenImage> {
  const blake3 = /\/maps\/([0-9a-f]{64})$/.exec(new URL(mapUrl).pathname)?.[1];
  if (blake3 === undefined)
    throw new BtyError('IMAGE_UNAVAILABLE', `the server names a map that has no digest: ${mapUrl}`);
  const fetched = await fetchMap(
    { url: mapUrl, blake3 },
    { authorization: () => access.authorization(mapUrl), onRetry },
    signal,
  );
  if (sha256 !== undefined && fetched.map.sha256 !== sha256) throw wrongDigest(sha256, fetched.map.sha256);
  const pack = packFile(mapUrl.slice(0, mapUrl.lastIndexOf('/maps/')), fetched.map);
  return { kind: 'packed', name, sizeBytes, fetched, pack, authorization: () => access.authorization(pack.url) };
}

/** An image at a URL, read by ranges where the server has them, else in one piece. */
async function openRemote(
  remote: Awaited<ReturnType<typeof lookAtUrl>>,
  ports: ReadPorts,
  signal: AbortSignal,
): Promise<Begun> {
  try {
    return await begin(new RemoteFile(remote, ports), signal);
  } catch (error) {
    if (!servesNoRanges(error)) throw error;
    ports.onRetry('the server does not serve ranges: reading the image in one piece');
    return begin(new StreamedFile(remote, ports), signal);
  }
}

/**
 * Opens an image at a path or an http(s) URL. At a URL whose answer links to a map (`rel="describedby"`), that is used.
 * With `sha256`, the digest of the image file is checked: against the map, or by reading the whole file. Throws
 * `NOT_FOUND`, `UNAUTHENTICATED`, `IMAGE_UNAVAILABLE`, `IMAGE_INVALID` or `DIGEST_MISMATCH`.
 */
export async function openImage(
  image: string,
  sha256: string | undefined,
  ports: ReadPorts,
  signal: AbortSignal,
): Promise<OpenImage> {
  const name = nameOf(image);
  let begun: Begun;
  if (isUrl(image)) {
    const remote = await lookAtUrl(image, ports.access, signal);
    if (remote.mapUrl !== undefined) return openMapped(name, remote.mapUrl, remote.sizeBytes, sha256, ports, signal);
    begun = await openRemote(remote, ports, signal);
  } else begun = await begin(await openImageFile(image), signal);
  try {
    return await readInOrder(name, begun, sha256, signal);
  } catch (error) {
    await begun.source.close();
    throw error;
  }
}
