import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** One misbehaviour of the server for one request of the file; without any it serves as it should. */
export type FileFault =
  | { kind: 'status'; status: number }
  /** Breaks the connection after that many bytes of this answer. */
  | { kind: 'cut'; afterBytes: number }
  /** Says nothing more after that many bytes, and keeps the connection. */
  | { kind: 'stall'; afterBytes: number }
  /** Sends the body in chunks, without its length. */
  | { kind: 'chunked' }
  /** Sends more than the length that it states. */
  | { kind: 'long'; extraBytes: number }
  /** Sends the range that begins so many bytes later. */
  | { kind: 'shifted'; bytes: number }
  /** Ignores the range, and sends the whole file. */
  | { kind: 'whole' }
  /** Closes the connection after the answer, without saying so. */
  | { kind: 'hang-up' }
  /** Flips a bit of the byte at this place of the file. */
  | { kind: 'flip'; offsetBytes: number }
  /** States another length of the whole file. */
  | { kind: 'total'; totalBytes: number };

/** Requests that came, for assertions. */
export interface FileRequest {
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

/** Serves one file with Range and If-Match, and misbehaves as told: the faults are used up one a request. */
export class FakeFileServer {
  readonly faults: FileFault[] = [];
  readonly requests: FileRequest[] = [];
  /** Of all answers together. */
  bytesSent = 0;
  /** Upper bound in bytes a second, so that something can happen in the middle. */
  bytesPerSecond = Number.POSITIVE_INFINITY;

  constructor(
    readonly file: Buffer,
    readonly digest: string,
  ) {}

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { range, authorization } = request.headers;
    this.requests.push({ range, ifMatch: request.headers['if-match'], authorization });
    const fault = this.faults.shift();
    if (fault?.kind === 'status') return void response.writeHead(fault.status).end();
    if (request.headers['if-match'] !== `"${this.digest}"`) return void response.writeHead(412).end();
    const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? '');
    if (match === null) return void response.writeHead(400).end();
    await this.#send(response, Number(match[1]), Number(match[2]) + 1, fault);
  }

  async #send(response: ServerResponse, start: number, end: number, fault: FileFault | undefined): Promise<void> {
    if (fault?.kind === 'whole') return void response.writeHead(200).end(this.file);
    const shift = fault?.kind === 'shifted' ? fault.bytes : 0;
    let body = this.file.subarray(start + shift, end + shift);
    if (fault?.kind === 'flip' && fault.offsetBytes >= start && fault.offsetBytes < end) {
      body = Buffer.from(body);
      body[fault.offsetBytes - start] = (body[fault.offsetBytes - start] ?? 0) ^ 1;
    }
    const total = fault?.kind === 'total' ? fault.totalBytes : this.file.length;
    const headers = {
      etag: `"${this.digest}"`,
      'content-range': `bytes ${start + shift}-${end + shift - 1}/${total}`,
      ...(fault?.kind === 'chunked' ? {} : { 'content-length': end - start }),
    };
    if (fault?.kind === 'long') {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
      response.socket?.write(`HTTP/1.1 206 Partial Content\r\n${lines.join('\r\n')}\r\n\r\n`);
      return void response.socket?.write(Buffer.concat([body, Buffer.alloc(fault.extraBytes, 0xee)]));
    }
    response.writeHead(206, headers);
    if (fault?.kind === 'cut' || fault?.kind === 'stall') body = body.subarray(0, fault.afterBytes);
    await this.#write(response, body);
    if (fault?.kind === 'stall') return;
    if (fault?.kind === 'cut') response.destroy();
    else response.end(() => fault?.kind === 'hang-up' && response.socket?.destroy());
  }

  async #write(response: ServerResponse, body: Buffer): Promise<void> {
    const step = 256 * 1024;
    for (let at = 0; at < body.length && !response.destroyed; at += step) {
      const piece = body.subarray(at, at + step);
      this.bytesSent += piece.length;
      if (!response.write(piece)) await drained(response);
      if (Number.isFinite(this.bytesPerSecond)) await sleep((piece.length * 1000) / this.bytesPerSecond);
    }
  }
}
