import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteRange, ImageMap } from '@bty/image-format';
import { BtyError } from '@bty/wire-types';
import { fullJitterMs } from '../backoff.js';
import type { FrameSource, PartReceiver } from '../engine/frame-source.js';
import { PartCursor } from './part-cursor.js';
import { judgeRangeAnswer } from './range-answer.js';
import { RangeConnection } from './range-connection.js';

/** A file on a server that answers ranges. */
export interface RangedFile {
  url: string;
  /** Names the file in messages: `the pack`. */
  what: string;
  sizeBytes: number;
  /** Its strong ETag, quotes included, that every answer must carry; undefined when it has none. */
  etag: string | undefined;
}

/** The pack that a map names, beside it on the same server: an immutable file whose digest is its name and its ETag. */
export function packFile(serverUrl: string, { pack }: ImageMap): RangedFile {
  return {
    url: new URL(`packs/${pack.digest}`, `${serverUrl}/`).href,
    what: 'the pack',
    sizeBytes: pack.sizeBytes,
    etag: `"${pack.digest}"`,
  };
}

/** What a source needs beside the file. */
export interface RangedPorts {
  /** Value of the Authorization header, asked for before each request. */
  authorization?(): string | undefined;
  /** Told of every interruption that is bridged, for the log. */
  onRetry(reason: string): void;
  /** Time without a byte after which a request is given up and made again. */
  stallMs?: number;
  backoff?: { baseMs: number; capMs: number };
}

const STALL_MS = 30_000;

/** Reads parts of a file by HTTP Range over kept-alive connections: as many as there are requests at once. */
export class RangedSource implements FrameSource {
  readonly #url: URL;
  readonly #idle: RangeConnection[] = [];
  readonly #busy = new Set<RangeConnection>();
  #closed = false;

  constructor(
    private readonly file: RangedFile,
    private readonly ports: RangedPorts,
  ) {
    this.#url = new URL(file.url);
  }

  async receive({ offsetBytes, lengthBytes }: ByteRange, receiver: PartReceiver, signal: AbortSignal): Promise<void> {
    const cursor = new PartCursor(lengthBytes, receiver);
    for (let failures = 0; cursor.leftBytes > 0; ) {
      signal.throwIfAborted();
      const before = cursor.filledBytes;
      const connection = this.#connection();
      const reused = connection.used;
      try {
        await this.#get(connection, offsetBytes + before, cursor, signal);
      } catch (error) {
        await cursor.settled();
        if (cursor.failure !== undefined) throw cursor.failure.reason;
        signal.throwIfAborted();
        if (error instanceof BtyError) throw error;
        const { filledBytes } = cursor;
        // The server may close a connection that was idle; that is no failure of anything.
        if (reused && filledBytes === before) continue;
        failures = filledBytes > before ? 0 : failures + 1;
        const place = `byte ${offsetBytes + filledBytes} of ${this.file.what}`;
        this.ports.onRetry(`transfer interrupted at ${place}: ${describe(error)}; resuming`);
        await this.#pause(failures, signal);
      }
    }
  }

  /** Ends the connections; nothing is fetched any more. */
  close(): void {
    this.#closed = true;
    for (const connection of [...this.#idle, ...this.#busy]) connection.destroy();
  }

  #connection(): RangeConnection {
    if (this.#closed) throw new BtyError('CANCELLED', 'the transfer has ended');
    for (;;) {
      const idle = this.#idle.pop();
      if (idle === undefined) return new RangeConnection(this.#url, this.ports.stallMs ?? STALL_MS);
      if (idle.usable) return idle;
    }
  }

  async #get(connection: RangeConnection, offsetBytes: number, into: PartCursor, signal: AbortSignal): Promise<void> {
    const abort = (): void => connection.destroy();
    signal.addEventListener('abort', abort, { once: true });
    this.#busy.add(connection);
    try {
      const target = `${this.#url.pathname}${this.#url.search}`;
      const headers = this.#headers(offsetBytes, into.leftBytes);
      const accept = this.#judge(offsetBytes, into.leftBytes);
      await connection.get({ target, headers, accept, into });
      this.#idle.push(connection);
    } catch (error) {
      connection.destroy();
      throw error;
    } finally {
      this.#busy.delete(connection);
      signal.removeEventListener('abort', abort);
    }
  }

  #headers(offsetBytes: number, lengthBytes: number): string[] {
    const authorization = this.ports.authorization?.();
    const { etag } = this.file;
    return [
      `Range: bytes=${offsetBytes}-${offsetBytes + lengthBytes - 1}`,
      'Accept-Encoding: identity',
      ...(etag === undefined ? [] : [`If-Match: ${etag}`]),
      ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    ];
  }

  #judge(startBytes: number, lengthBytes: number): Parameters<RangeConnection['get']>[0]['accept'] {
    const { what, sizeBytes, etag } = this.file;
    return (head) => {
      const asked = { what, startBytes, lengthBytes, sizeBytes, etag };
      const verdict = judgeRangeAnswer(head, asked);
      if (verdict === 'later') throw new Error(`the server answered ${head.status}`);
      if (verdict !== 'take') throw verdict;
    };
  }

  async #pause(failures: number, signal: AbortSignal): Promise<void> {
    const { baseMs, capMs } = this.ports.backoff ?? {};
    // An abort must be told by its own reason, not as the timer's AbortError.
    await sleep(fullJitterMs(failures, Math.random(), baseMs, capMs), undefined, { signal }).catch(() => undefined);
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  return code === undefined || error.message.includes(code) ? error.message : `${error.message} (${code})`;
}
