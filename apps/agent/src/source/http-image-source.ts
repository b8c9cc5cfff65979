import { Agent, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { BtyError } from '@bty/wire-types';
import { fullJitterMs } from '../backoff.js';
import { ask } from '../http-ask.js';
import type { ChunkSource } from './chunk-source.js';
import { checkImageResponse, RETRY } from './image-response.js';

/** What an HTTP source needs to know; sizes in bytes, `sha256` of the file in hex: its ETag. */
export interface HttpImage {
  url: string;
  sizeBytes: number;
  sha256: string;
  /** Value of the Authorization header, asked for before each request. */
  authorization?: () => string | undefined;
  /** Told of every interruption that is bridged, for the log. */
  onRetry: (reason: string) => void;
  /** Time without a byte after which a request is given up and made again. */
  stallMs?: number;
  backoff?: { baseMs: number; capMs: number };
}

const STALL_MS = 30_000;
const MAX_SHORT_BODIES = 3;

/**
 * A raw image on an HTTP server. An interrupted body is resumed at the exact byte with Range and If-Match, for as long
 * as the server is away; that the image changed, ended or was removed is an error at once. Never a byte twice or skipped.
 */
export class HttpImageSource implements ChunkSource {
  readonly #image: HttpImage;
  readonly #connections: Agent;
  /** Bytes received, repeated ones included. */
  bytesFetched = 0;

  constructor(image: HttpImage) {
    this.#image = image;
    this.#connections = image.url.startsWith('https:')
      ? new TlsAgent({ keepAlive: true })
      : new Agent({ keepAlive: true });
  }

  async *open(range: { startBytes: number; endBytes: number }, signal: AbortSignal): AsyncGenerator<Buffer> {
    let offset = range.startBytes;
    let shortBodies = 0;
    for (let failures = 0; offset < range.endBytes; failures += 1) {
      const from = offset;
      let interruption: string;
      try {
        for await (const chunk of this.#body(offset, range.endBytes, signal)) {
          offset += chunk.length;
          yield chunk;
        }
        if (offset >= range.endBytes) return;
        interruption = `the body ended ${range.endBytes - offset} bytes early`;
        shortBodies = offset > from ? 0 : shortBodies + 1;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof BtyError) throw error;
        interruption = describe(error);
      }
      if (shortBodies >= MAX_SHORT_BODIES) throw this.#truncated(offset);
      if (offset > from) failures = 0;
      this.#image.onRetry(`image transfer interrupted at byte ${offset}: ${interruption}; resuming`);
      const { baseMs, capMs } = this.#image.backoff ?? {};
      // An abort must be told by its own reason, not as the timer's AbortError.
      await sleep(fullJitterMs(failures, Math.random(), baseMs, capMs), undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
    }
  }

  /** Ends the connections. */
  close(): void {
    this.#connections.destroy();
  }

  async *#body(startBytes: number, endBytes: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    const authorization = this.#image.authorization?.();
    const response = await ask(this.#image.url, {
      agent: this.#connections,
      stallMs: this.#image.stallMs ?? STALL_MS,
      signal,
      headers: {
        range: `bytes=${startBytes}-${endBytes - 1}`,
        'if-match': `"${this.#image.sha256}"`,
        'accept-encoding': 'identity',
        ...(authorization === undefined ? {} : { authorization }),
      },
    });
    try {
      this.#check(response, startBytes, endBytes);
      let left = endBytes - startBytes;
      for await (const chunk of response as AsyncIterable<Buffer>) {
        this.bytesFetched += chunk.length;
        left -= chunk.length;
        if (left < 0) throw this.#tooLong(endBytes);
        yield chunk;
      }
    } finally {
      response.on('error', () => undefined).destroy();
    }
  }

  #check({ statusCode = 0, headers }: IncomingMessage, startBytes: number, endBytes: number): void {
    const asked = { startBytes, endBytes, sizeBytes: this.#image.sizeBytes, sha256: this.#image.sha256 };
    const verdict = checkImageResponse(statusCode, headers, asked);
    if (verdict === RETRY) throw new Error(`the server answered ${statusCode}`);
    if (verdict !== undefined) throw verdict;
  }

  #truncated(offsetBytes: number): BtyError {
    return new BtyError('IMAGE_TRUNCATED', `the image ends at byte ${offsetBytes} of ${this.#image.sizeBytes}`, {
      details: { offset_bytes: offsetBytes, size_bytes: this.#image.sizeBytes, url: this.#image.url },
    });
  }

  #tooLong(endBytes: number): BtyError {
    return new BtyError('IMAGE_TOO_LONG', `the server sent more than was asked for, beyond byte ${endBytes}`, {
      details: { offset_bytes: endBytes, url: this.#image.url },
    });
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  return code === undefined || error.message.includes(code) ? error.message : `${error.message} (${code})`;
}
