import { connect, type Socket } from 'node:net';
import { type HttpHead, MAX_HEAD_BYTES, parseHead } from './http-head.js';
import type { PartCursor } from './part-cursor.js';

/** One request: the header lines to send, and where the body of the answer goes. */
export interface RangeRequest {
  target: string;
  headers: readonly string[];
  /** Judges the head of the answer; throws when its body is not to be taken. The body has all that is left of `into`. */
  accept(head: HttpHead): void;
  into: PartCursor;
}

interface Running {
  request: RangeRequest;
  head: Buffer;
  inBody: boolean;
  resolve(): void;
  reject(error: Error): void;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);

/**
 * A kept-alive HTTP/1.1 connection for GETs of known length, one at a time. The kernel puts a body where it is to be: Node's
 * own client makes a new buffer of each packet, which cost three times the processor and 80 MB for 512 MiB over loopback.
 */
export class RangeConnection {
  readonly #socket: Socket;
  readonly #host: string;
  // Heads, and what of a body comes together with its head.
  readonly #headMemory = Buffer.allocUnsafeSlow(MAX_HEAD_BYTES);
  #running: Running | undefined;
  #failure: Error | undefined;
  #held = false;
  /** Whether an answer has come over this connection; it may since have been closed from the other side. */
  used = false;

  constructor(url: URL, stallMs: number) {
    this.#host = url.host;
    this.#socket = this.#open(url);
    this.#socket.setNoDelay(true);
    this.#socket.setTimeout(stallMs, () => {
      // While the receiver holds the line up, it is not the line that stalls.
      if (this.#running !== undefined && !this.#held) {
        this.#socket.destroy(new Error(`nothing moved for ${stallMs} ms`));
      }
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  get usable(): boolean {
    return this.#failure === undefined;
  }

  /** Sends a request and takes its answer. Rejects with what `accept` or the receiver throws, or why the connection broke. */
  get(request: RangeRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#running = { request, head: NOTHING, inBody: false, resolve, reject };
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
      // taken when it is needed: loading it takes each thread 7 to 12 ms
      const socket = process
        .getBuiltinModule('node:tls')
        .connect({ host, port, servername: host, ALPNProtocols: ['http/1.1'] });
      return socket.on('data', (bytes: Buffer) => this.#takeCopied(bytes));
    }
    const onread = {
      buffer: () => this.#memory(),
      callback: (bytes: number, memory: Uint8Array) => this.#take(bytes, memory as Buffer),
    };
    return connect({ host, port: Number(url.port || '80'), onread });
  }

  /** Where the kernel is to put the next bytes. */
  #memory(): Buffer {
    const running = this.#running;
    return running?.inBody === true && !this.#held ? running.request.into.memory() : this.#headMemory;
  }

  /** Takes bytes that lie in what `#memory` gave; false stops the reading. */
  #take(bytes: number, memory: Buffer): boolean {
    const running = this.#running;
    if (memory === this.#headMemory || running === undefined) this.#takeCopied(memory.subarray(0, bytes));
    else this.#advance(running, bytes);
    return !this.#held;
  }

  #takeCopied(bytes: Buffer): void {
    const running = this.#running;
    if (running === undefined) this.#fail(new Error('the server sent more than was asked for'));
    else if (running.inBody) this.#putBody(running, bytes);
    else this.#takeHead(running, bytes);
  }

  #takeHead(running: Running, bytes: Buffer): void {
    running.head = Buffer.concat([running.head, bytes]);
    const end = running.head.indexOf(HEAD_END);
    if (end < 0) {
      if (running.head.length > MAX_HEAD_BYTES) this.#fail(new Error('the head of the answer does not end'));
      return;
    }
    const head = parseHead(running.head.toString('latin1', 0, end));
    if (head === undefined) return void this.#fail(new Error('the answer is not HTTP'));
    const rest = running.head.subarray(end + HEAD_END.length);
    running.head = NOTHING;
    if (head.status < 200) return void this.#takeHead(running, rest);
    try {
      running.request.accept(head);
    } catch (error) {
      return void this.#fail(error as Error);
    }
    running.inBody = true;
    if (/\bclose\b/i.test(head.headers.get('connection') ?? '')) this.#socket.once('end', () => this.#socket.destroy());
    if (rest.length > 0) this.#putBody(running, rest);
  }

  /** Copies bytes of the body that came elsewhere to their place. */
  #putBody(running: Running, bytes: Buffer): void {
    const taken = bytes.copy(running.request.into.memory());
    this.#advance(running, taken, bytes.subarray(taken));
  }

  /** So many bytes of the body are in their place; `rest` came after them, and waits when the receiver does. */
  #advance(running: Running, bytes: number, rest: Buffer = NOTHING): void {
    const waiting = running.request.into.advance(bytes);
    if (waiting === undefined) {
      if (rest.length > 0) this.#putBody(running, rest);
      return;
    }
    this.#held = true;
    this.#socket.pause();
    waiting.then(
      () => this.#goOn(running, rest),
      (error: unknown) => this.#fail(error as Error),
    );
  }

  #goOn(running: Running, rest: Buffer): void {
    this.#held = false;
    if (this.#running !== running) return;
    if (running.request.into.leftBytes > 0) {
      if (rest.length > 0) this.#putBody(running, rest);
    } else {
      this.used = true;
      this.#running = undefined;
      running.resolve();
      if (rest.length > 0) this.#fail(new Error('the server sent more than was asked for'));
    }
    if (!this.#held) this.#socket.resume();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#socket.destroy();
    const running = this.#running;
    this.#running = undefined;
    running?.reject(error);
  }
}
