import type { RandomAccess } from '@bty/image-format';
import { BtyError } from '@bty/wire-types';
import { fetchInto } from '../engine/frame-source.js';
import { ask } from '../http-ask.js';
import { accessRefusal, headersFor, type ImageAccess } from './image-access.js';
import { type RangedFile, RangedSource } from './ranged-source.js';

/** What a server says of an image at a URL. */
export interface RemoteImage {
  /** Where it is after redirects. */
  url: string;
  sizeBytes: number;
  /** A strong ETag, quotes included. */
  etag: string | undefined;
  /** Where the image's map is, when the server has prepared it. */
  mapUrl: string | undefined;
}

/** What reading an image at a URL needs. */
export interface ReadPorts {
  access: ImageAccess;
  /** Told of every interruption that is bridged. */
  onRetry(reason: string): void;
}

const TIMEOUT_MS = 30_000;
const MAX_REDIRECTS = 5;

/** The target of the link of a relation in a Link header (RFC 8288), as it stands there. */
export function linkTarget(header: string | undefined, relation: string): string | undefined {
  for (const [, target, parameters] of (header ?? '').matchAll(/<([^>]*)>([^<]*)/g)) {
    const relations = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,]+))/i.exec(parameters ?? '');
    const names = (relations?.[1] ?? relations?.[2] ?? '').toLowerCase().split(/\s+/);
    if (names.includes(relation)) return target;
  }
  return undefined;
}

function refuse(url: string, status: number, access: ImageAccess): BtyError {
  const refused = accessRefusal(url, status, access);
  if (refused !== undefined) return refused;
  if (status === 404) return new BtyError('NOT_FOUND', `there is no image at ${url}`, { details: { url, status } });
  return new BtyError('IMAGE_UNAVAILABLE', `the server answered ${status} for ${url}`, { details: { url, status } });
}

/** Asks for the head of an image, and follows redirects. Throws `NOT_FOUND`, `UNAUTHENTICATED` or `IMAGE_UNAVAILABLE`. */
export async function lookAtUrl(given: string, access: ImageAccess, signal: AbortSignal): Promise<RemoteImage> {
  let url = given;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const headers = headersFor(url, access);
    const response = await ask(url, { method: 'HEAD', headers, stallMs: TIMEOUT_MS, signal, agent: false }).catch(
      (cause: NodeJS.ErrnoException) => {
        signal.throwIfAborted();
        const why = cause.message === '' ? cause.code : cause.message;
        throw new BtyError('IMAGE_UNAVAILABLE', `${url} cannot be reached: ${why}`, { cause, details: { url } });
      },
    );
    response.on('error', () => undefined).destroy();
    const { statusCode: status = 0, headers: told } = response;
    if (status >= 300 && status < 400 && told.location !== undefined) {
      url = new URL(told.location, url).href;
      continue;
    }
    if (status !== 200) throw refuse(url, status, access);
    const sizeBytes = Number(told['content-length'] ?? '');
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0) {
      throw new BtyError('IMAGE_UNAVAILABLE', `the server does not tell the length of ${url}`, { details: { url } });
    }
    const etag = told.etag?.startsWith('"') === true ? told.etag : undefined;
    const map = linkTarget(String(told.link ?? ''), 'describedby');
    return { url, sizeBytes, etag, mapUrl: map === undefined ? undefined : new URL(map, url).href };
  }
  throw new BtyError('IMAGE_UNAVAILABLE', `${given} leads from one place to the next`, { details: { url: given } });
}

/** Reads an image at a URL by ranges; counts what came. */
export class RemoteFile implements RandomAccess {
  readonly sizeBytes: number;
  fetchedBytes = 0;
  readonly #source: RangedSource;

  constructor({ url, sizeBytes, etag }: RemoteImage, { access, onRetry }: ReadPorts) {
    this.sizeBytes = sizeBytes;
    const file: RangedFile = { url, what: 'the image', sizeBytes, etag };
    this.#source = new RangedSource(file, { authorization: () => access.authorization(url), onRetry });
  }

  async read(
    offsetBytes: number,
    lengthBytes: number,
    signal = new AbortController().signal,
    into?: Uint8Array,
  ): Promise<Uint8Array> {
    const memory =
      into === undefined ? Buffer.allocUnsafeSlow(lengthBytes) : Buffer.from(into.buffer, into.byteOffset, lengthBytes);
    await fetchInto(this.#source, offsetBytes, memory, signal);
    this.fetchedBytes += lengthBytes;
    return memory;
  }

  async close(): Promise<void> {
    this.#source.close();
  }
}
