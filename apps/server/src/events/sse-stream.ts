import { once } from 'node:events';
import type { Request, Response } from 'express';

/** A reader that takes nothing of what waits for it within this time is told to go. */
const STALL_MS = 10_000;
/** How long a reader that is told to go has for what was sent before. */
const CLOSE_PATIENCE_MS = 5_000;
/** After a cut, a browser comes back after so long. */
const RETRY_MS = 2_000;

/** One message of a stream; `data` is sent as JSON. */
export interface SseMessage {
  readonly event: string;
  readonly data: unknown;
  /** What the reader says in `Last-Event-ID` to go on after this message. */
  readonly id?: string | undefined;
}

/** The text of a message, as the HTML standard's section on server-sent events has it. */
export function sseText({ event, data, id }: SseMessage): string {
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}

/** A stream of server-sent events to one reader. */
export class SseStream {
  readonly closed: Promise<void>;
  private readonly gone = new AbortController();
  private isOver = false;

  constructor(
    request: Request,
    private readonly response: Response,
  ) {
    this.closed = new Promise((resolve) => response.once('close', resolve));
    response.once('close', () => this.gone.abort());
    // A write to a reader that has just gone fails; its going is what counts.
    response.on('error', () => undefined);
    request.socket.setNoDelay(true);
    response.status(200);
    response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('X-Accel-Buffering', 'no');
    response.write(`retry: ${RETRY_MS}\n\n`);
  }

  get isOpen(): boolean {
    return !this.isOver && !this.response.destroyed;
  }

  /** Whether the reader has yet to take what was sent. */
  get isBehind(): boolean {
    return this.response.writableNeedDrain;
  }

  send(message: SseMessage): void {
    this.sendText(sseText(message));
  }

  /** As {@link send}, for a text that goes to many readers. */
  sendText(text: string): void {
    if (this.isOpen && text !== '') this.response.write(text);
  }

  /** Resolves when the reader has taken nearly all that was sent, or is told to go because it takes nothing. */
  async drained(): Promise<void> {
    while (this.isOpen && this.isBehind) {
      const left = this.response.writableLength;
      const signal = AbortSignal.any([AbortSignal.timeout(STALL_MS), this.gone.signal]);
      await once(this.response, 'drain', { signal }).catch(() => undefined);
      if (this.isBehind && this.response.writableLength >= left) this.close('TOO_SLOW', 'this reader takes nothing');
    }
  }

  /** Keeps proxies and readers from taking the stream for dead. */
  beat(): void {
    this.sendText(': still here\n\n');
  }

  /** The last message says why; the reader may come back with the last id that it has. */
  close(code: 'TOO_SLOW' | 'UNAUTHENTICATED' | 'SERVER_RESTART' | 'UNAVAILABLE', reason: string): void {
    if (!this.isOpen) return;
    this.isOver = true;
    this.response.end(sseText({ event: 'closed', data: { code, reason } }));
    const cut = setTimeout(() => this.response.destroy(), CLOSE_PATIENCE_MS).unref();
    void this.closed.then(() => clearTimeout(cut));
  }
}
