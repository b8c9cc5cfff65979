import type { IncomingMessage } from 'node:http';
import { BtyError } from '@bty/wire-types';
import { ask } from '../http-ask.js';
import { accessRefusal, headersFor, type ImageAccess, NO_ACCESS } from '../source/image-access.js';
import { linkTarget } from '../source/image-url.js';
import type { TuiImage } from './tui-state.js';

/** What is read of an entry of `GET /images`. */
interface CatalogueEntry {
  name: string;
  size_bytes: number;
  content_size_bytes: number | null;
  state: string;
  error: { message: string } | null;
}

const STALL_MS = 15_000;
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_PAGES = 100;

async function answerOf(
  url: string,
  method: 'GET' | 'POST',
  access: ImageAccess,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const asking = { method, headers: headersFor(url, access), stallMs: STALL_MS, signal, agent: false } as const;
  const response = await ask(url, asking).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.message === '' ? cause.code : cause.message;
    const message = `the server does not answer: ${why}. Is it up, and is the address right?`;
    throw new BtyError('UNAVAILABLE', message, { cause });
  });
  const { statusCode: status = 0 } = response;
  if (status === 200) return response;
  response.on('error', () => undefined).destroy();
  const refused = accessRefusal(url, status, access);
  throw refused ?? new BtyError('UNAVAILABLE', `the server answered ${status} for ${new URL(url).pathname}`);
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BYTES) throw new BtyError('UNAVAILABLE', "the server's catalogue does not end");
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function problemOf({ state, error }: CatalogueEntry): string | undefined {
  if (state === 'ready') return undefined;
  return error === null ? `the server is not done with it: ${state}` : error.message;
}

/** The images of a server, by name. Throws `UNAUTHENTICATED` or `UNAVAILABLE`. */
export async function fetchCatalogue(serverUrl: string, access: ImageAccess, signal: AbortSignal): Promise<TuiImage[]> {
  const images: TuiImage[] = [];
  let url: string | undefined = `${serverUrl}/images`;
  for (let pages = 0; url !== undefined && pages < MAX_PAGES; pages += 1) {
    const response: IncomingMessage = await answerOf(url, 'GET', access, signal);
    for (const entry of JSON.parse(await bodyOf(response)) as CatalogueEntry[]) {
      images.push({
        name: entry.name,
        source: `${serverUrl}/images/${encodeURIComponent(entry.name)}`,
        sizeBytes: entry.size_bytes,
        contentBytes: entry.content_size_bytes ?? undefined,
        problem: problemOf(entry),
      });
    }
    const next = linkTarget(String(response.headers.link ?? ''), 'next');
    url = next === undefined ? undefined : new URL(next, url).href;
  }
  return images;
}

/** Tells a server that a machine has been flashed. Throws `UNAVAILABLE`. */
export async function signalDone(serverUrl: string, mac: string, signal: AbortSignal): Promise<void> {
  const url = `${serverUrl}/pxe/${mac.replaceAll(':', '-')}/done`;
  const response = await answerOf(url, 'POST', NO_ACCESS, signal);
  response.on('error', () => undefined).destroy();
}
