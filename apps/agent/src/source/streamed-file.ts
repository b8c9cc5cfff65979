import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RandomAccess } from '@bty/image-format';
import { BtyError } from '@bty/wire-types';
import { fullJitterMs } from '../backoff.js';
import { OneAtATime } from '../engine/one-at-a-time.js';
import { ask } from '../http-ask.js';
import { accessRefusal, headersFor } from './image-access.js';
import type { ReadPorts, RemoteImage } from './image-url.js';

const STALL_MS = 30_000;
/** So much of the start is kept: what an image is and holds is read there, a little ahead, before it is read from its start. */
const KEPT_BYTES = 8 * 1024 * 1024;

/** How a server tells whether a file is still the same; undefined when it does not. */
function versionOf({ headers }: IncomingMessage): string | undefined {
  return headers.etag ?? headers['last-modified'];
}

/** What has come of one answer, in order. */
interface Stream {
  parts: AsyncIterator<Buffer>;
  /** What of the last part has not been asked for. */
  left: Buffer;
  end(): void;
}

/**
 * An image at a URL whose server does not serve ranges: it is read in one answer, from its start to its end. A transfer that
 * is cut, and a read of what has passed, ask for the whole file again and pass over what is known, as long as the server
 * says that it is still the same file.
 */
export class StreamedFile implements RandomAccess {
  readonly sizeBytes: number;
  fetchedBytes = 0;
  readonly #url: string;
  readonly #reading = new OneAtATime();
  readonly #kept = Buffer.allocUnsafeSlow(KEPT_BYTES);
  #stream: Stream | undefined;
  #version: string | undefined;
  #opened = false;
  #positionBytes = 0;

  constructor(
    { url, sizeBytes }: RemoteImage,
    private readonly ports: ReadPorts,
  ) {
    this.#url = url;
    this.sizeBytes = sizeBytes;
  }

  read(
    offsetBytes: number,
    lengthBytes: number,
    signal = new AbortController().signal,
    into: Uint8Array = Buffer.allocUnsafeSlow(lengthBytes),
  ): Promise<Uint8Array> {
    const memory = Buffer.from(into.buffer, into.byteOffset, lengthBytes);
    return this.#reading.run(() => this.#read(memory, offsetBytes, signal));
  }

  async close(): Promise<void> {
    this.#stream?.end();
    this.#stream = undefined;
  }

  async #read(memory: Buffer, offsetBytes: number, signal: AbortSignal): Promise<Buffer> {
    const again = Math.max(0, Math.min(memory.length, this.#positionBytes - offsetBytes));
    if (again > 0 && offsetBytes + again > KEPT_BYTES) {
      this.ports.onRetry('the server does not serve ranges: reading the image from its start once more');
      await this.close();
      this.#positionBytes = 0;
      return this.#read(memory, offsetBytes, signal);
    }
    if (again > 0) this.#kept.copy(memory, 0, offsetBytes, offsetBytes + again);
    for (let filled = again, failures = 0; filled < memory.length; ) {
      signal.throwIfAborted();
      const before = this.#positionBytes;
      try {
        const part = await this.#next(signal);
        const skip = Math.min(part.length, Math.max(0, offsetBytes + filled - before));
        const bytes = part.subarray(skip, skip + memory.length - filled);
        bytes.copy(memory, filled);
        filled += bytes.length;
        this.#take(part, skip + bytes.length);
        failures = 0;
      } catch (error) {
        await this.close();
        signal.throwIfAborted();
        if (error instanceof BtyError) throw error;
        failures += 1;
        this.ports.onRetry(
          `transfer interrupted at byte ${before} of the image: ${(error as Error).message}; reading it anew`,
        );
        await sleep(fullJitterMs(failures, Math.random()), undefined, { signal }).catch(() => undefined);
      }
    }
    return memory;
  }

  /** Books so much of a part as passed; the rest of it comes next. */
  #take(part: Buffer, bytes: number): void {
    if (this.#positionBytes < KEPT_BYTES) part.copy(this.#kept, this.#positionBytes, 0, bytes);
    this.#positionBytes += bytes;
    if (this.#stream !== undefined) this.#stream.left = part.subarray(bytes);
  }

  /** Bytes from the present position, at least one. */
  async #next(signal: AbortSignal): Promise<Buffer> {
    this.#stream ??= await this.#open(signal);
    const { left, parts } = this.#stream;
    if (left.length > 0) return left;
    const { value, done } = (await parts.next()) as IteratorResult<Buffer, undefined>;
    if (done === true) throw new Error('the server ended it early');
    this.fetchedBytes += value.length;
    return value;
  }

  /** Asks for the file, and passes over what has been read before. */
  async #open(signal: AbortSignal): Promise<Stream> {
    const headers = { 'accept-encoding': 'identity', ...headersFor(this.#url, this.ports.access) };
    const response = await ask(this.#url, { stallMs: STALL_MS, signal, agent: false, headers });
    const end = (): void => void response.on('error', () => undefined).destroy();
    try {
      this.#check(response);
      const parts = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
      let left: Buffer = Buffer.alloc(0);
      for (let known = this.#positionBytes; known > 0; ) {
        const { value, done } = (await parts.next()) as IteratorResult<Buffer, undefined>;
        if (done === true) throw new Error('the server ended it early');
        this.fetchedBytes += value.length;
        left = value.subarray(Math.min(known, value.length));
        known -= value.length - left.length;
      }
      return { parts, left, end };
    } catch (error) {
      end();
      throw error;
    }
  }

  #check(response: IncomingMessage): void {
    const { statusCode: status = 0, headers } = response;
    const details = { status, offset_bytes: this.#positionBytes };
    if (status >= 500 || status === 408 || status === 429) throw new Error(`the server answered ${status}`);
    if (status !== 200) {
      const refused = accessRefusal(this.#url, status, this.ports.access);
      if (refused !== undefined) throw refused;
      throw new BtyError('IMAGE_UNAVAILABLE', `the server answered ${status} for the image`, { details });
    }
    if (headers['content-length'] !== String(this.sizeBytes)) {
      const message = `the image has ${headers['content-length'] ?? 'an unknown number of'} bytes, not ${this.sizeBytes}`;
      throw new BtyError('IMAGE_CHANGED', message, { details });
    }
    const version = versionOf(response);
    if (this.#opened && (version === undefined || version !== this.#version)) {
      const why =
        version === undefined ? 'cannot tell whether it is still the same file' : 'has another file there now';
      const message = `the image would have to be read from its start once more, and the server ${why}`;
      throw new BtyError('IMAGE_CHANGED', message, { details });
    }
    this.#opened = true;
    this.#version = version;
  }
}
