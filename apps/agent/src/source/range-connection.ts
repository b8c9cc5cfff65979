import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type HttpHead, MAX_HEAD_BYTES, parseHead } from './http-head.js';

/** One request: the header lines to send, and where the body of the answer goes. */
export interface RangeRequest {
  target: string;
  headers: readonly string[];
  /** Judges the head of the answer; throws when its body is not to be taken. The body has exactly the length of `into`. */
  accept(head: HttpHead): void;
  into: Buffer;
  onBytes(bytes: number): void;
}

interface Running {
  request: RangeRequest;
  head: Buffer;
  filledBytes: number | undefined;
  resolve(): void;
  reject(error: Error): void;
}

const RECEIVE_BYTES = 256 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);

/**
 * A kept-alive HTTP/1.1 connection for GETs of known length, one at a time. It receives into one buffer for good: Node's
 * own client makes a new buffer of each packet, which cost three times the processor and 80 MB for 512 MiB over loopback.
 */
export class RangeConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #running: Running | undefined;
  #failure: Error | undefined;
  /** Whether an answer has come over this connection; it may since have been closed from the other side. */
  used = false;

  constructor(url: URL, stallMs: number) {
    this.#host = url.host;
    this.#socket = this.#open(url);
    this.#socket.setNoDelay(true);
    this.#socket.setTimeout(stallMs, () => {
      if (this.#running !== undefined) this.#socket.destroy(new Error(`nothing moved for ${stallMs} ms`));
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  get usable(): boolean {
    return this.#failure === undefined;
  }

  /** Sends a request and takes its answer. Rejects with what `accept` throws, or why the connection broke. */
  get(request: RangeRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#running = { request, head: NOTHING, filledBytes: undefined, resolve, reject };
      const lines = [`GET ${request.target} HTTP/1.1`, `Host: ${this.#host}`, ...request.headers];
      this.#socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
    });
  }

  destroy(reason?: Error): void {
    this.#fail(reason ?? new Error('the connection was given up'));
  }

  #open(url: URL): Socket {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (url.protocol === 'https:') {
      const port = Number(url.port || '443');
      const socket = connectTls({ host, port, servername: host, ALPNProtocols: ['http/1.1'] });
      return socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    }
    const receive = (bytes: number, buffer: Uint8Array): boolean => {
      this.#receive((buffer as Buffer).subarray(0, bytes));
      return true;
    };
    const onread = { buffer: Buffer.allocUnsafeSlow(RECEIVE_BYTES), callback: receive };
    return connect({ host, port: Number(url.port || '80'), onread });
  }

  #receive(bytes: Buffer): void {
    const running = this.#running;
    if (running === undefined) {
      this.#fail(new Error('the server sent more than was asked for'));
      return;
    }
    const body = running.filledBytes === undefined ? this.#takeHead(running, bytes) : bytes;
    if (body !== undefined && body.length > 0) this.#takeBody(running, body);
  }

  /** Gives what follows the head, or undefined while the head goes on or when it was not accepted. */
  #takeHead(running: Running, bytes: Buffer): Buffer | undefined {
    running.head = running.head.length === 0 ? Buffer.from(bytes) : Buffer.concat([running.head, bytes]);
    const end = running.head.indexOf(HEAD_END);
    if (end < 0) {
      if (running.head.length > MAX_HEAD_BYTES) this.#fail(new Error('the head of the answer does not end'));
      return undefined;
    }
    const head = parseHead(running.head.toString('latin1', 0, end));
    if (head === undefined) return void this.#fail(new Error('the answer is not HTTP'));
    const rest = running.head.subarray(end + HEAD_END.length);
    running.head = NOTHING;
    if (head.status < 200) return this.#takeHead(running, rest);
    try {
      running.request.accept(head);
    } catch (error) {
      return void this.#fail(error as Error);
    }
    running.filledBytes = 0;
    if (/\bclose\b/i.test(head.headers.get('connection') ?? '')) this.#socket.once('end', () => this.#socket.destroy());
    return rest;
  }

  #takeBody(running: Running, bytes: Buffer): void {
    const { request } = running;
    const filled = running.filledBytes ?? 0;
    const taken = bytes.copy(request.into, filled);
    running.filledBytes = filled + taken;
    request.onBytes(taken);
    if (running.filledBytes === request.into.length) {
      this.used = true;
      this.#running = undefined;
      running.resolve();
    }
    if (taken < bytes.length) this.#fail(new Error('the server sent more than was asked for'));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#socket.destroy();
    const running = this.#running;
    this.#running = undefined;
    running?.reject(error);
  }
}
