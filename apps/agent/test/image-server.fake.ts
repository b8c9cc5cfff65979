import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** One misbehaviour of the server for one request of the image; without any it serves as it should. */
export type ImageFault =
  | { kind: 'status'; status: number }
  /** Breaks the connection after that many bytes of this answer. */
  | { kind: 'cut'; afterBytes: number }
  /** Says nothing more after that many bytes, and keeps the connection. */
  | { kind: 'stall'; afterBytes: number }
  /** Ends the answer properly, but early (chunked, so that no length gives it away). */
  | { kind: 'short'; bytes: number }
  /** Goes on after the range (chunked). */
  | { kind: 'long'; extraBytes: number }
  /** Flips a bit of the byte at this place of the image. */
  | { kind: 'flip'; offsetBytes: number }
  /** States another length of the whole image. */
  | { kind: 'total'; totalBytes: number };

/** Requests that came, for assertions. */
export interface ImageRequest {
  range: string | undefined;
  ifMatch: string | undefined;
  authorization: string | undefined;
}

/** Waits until an answer takes more, or nobody is there any more to take it. */
async function drained(response: ServerResponse): Promise<void> {
  const over = new AbortController();
  const events = ['drain', 'close'].map((name) => once(response, name, { signal: over.signal }));
  await Promise.race(events);
  over.abort();
  await Promise.allSettled(events);
}

/** Serves one image with Range and If-Match, and misbehaves as told: the faults are used up one a request. */
export class FakeImageServer {
  readonly faults: ImageFault[] = [];
  readonly requests: ImageRequest[] = [];
  /** Upper bound in bytes a second, so that something can happen in the middle. */
  bytesPerSecond = Number.POSITIVE_INFINITY;

  constructor(
    readonly image: Buffer,
    readonly sha256: string,
  ) {}

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { range, authorization } = request.headers;
    this.requests.push({ range, ifMatch: request.headers['if-match'], authorization });
    const fault = this.faults.shift();
    if (fault?.kind === 'status') return void response.writeHead(fault.status).end();
    if (request.headers['if-match'] !== `"${this.sha256}"`) return void response.writeHead(412).end();
    const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? '');
    if (match === null) return void response.writeHead(400).end();
    await this.#send(response, Number(match[1]), Number(match[2]) + 1, fault);
  }

  async #send(response: ServerResponse, start: number, end: number, fault: ImageFault | undefined): Promise<void> {
    let body = this.image.subarray(start, end);
    const chunked = fault?.kind === 'short' || fault?.kind === 'long';
    if (fault?.kind === 'short') body = body.subarray(0, fault.bytes);
    if (fault?.kind === 'long') body = Buffer.concat([body, Buffer.alloc(fault.extraBytes, 0xee)]);
    if (fault?.kind === 'flip' && fault.offsetBytes >= start && fault.offsetBytes < end) {
      body = Buffer.from(body);
      body[fault.offsetBytes - start] = (body[fault.offsetBytes - start] ?? 0) ^ 1;
    }
    const total = fault?.kind === 'total' ? fault.totalBytes : this.image.length;
    response.writeHead(206, {
      etag: `"${this.sha256}"`,
      'content-range': `bytes ${start}-${end - 1}/${total}`,
      ...(chunked ? {} : { 'content-length': end - start }),
    });
    if (fault?.kind === 'cut' || fault?.kind === 'stall') body = body.subarray(0, fault.afterBytes);
    await this.#write(response, body);
    if (fault?.kind === 'stall') return;
    if (fault?.kind === 'cut') response.destroy();
    else response.end();
  }

  async #write(response: ServerResponse, body: Buffer): Promise<void> {
    const step = 256 * 1024;
    for (let at = 0; at < body.length && !response.destroyed; at += step) {
      const piece = body.subarray(at, at + step);
      if (!response.write(piece)) await drained(response);
      if (Number.isFinite(this.bytesPerSecond)) await sleep((piece.length * 1000) / this.bytesPerSecond);
    }
  }
}
