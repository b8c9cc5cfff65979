import { once } from 'node:events';
import http from 'node:http';
import type { ServerUnderTest } from './server-under-test.js';

const PATIENCE_MS = 5_000;

/** A message of a stream. */
export interface Received {
  readonly event: string;
  readonly id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  readonly data: any;
  readonly at: number;
}

/** Reads a stream of server-sent events over a connection of its own. */
export class SseReader {
  readonly received: Received[] = [];
  comments = 0;
  lastId: string | undefined;
  private rest = '';
  private over = false;
  private readonly waiters = new Set<() => void>();

  private constructor(
    private readonly request: http.ClientRequest,
    private readonly response: http.IncomingMessage,
  ) {
    response.setEncoding('utf8');
    response.on('data', (part: string) => this.read(part));
    response.on('error', () => undefined);
    response.on('close', () => {
      this.over = true;
      this.wake();
    });
  }

  static async open(
    server: ServerUnderTest,
    path: string,
    lastEventId?: string,
    token = server.token,
  ): Promise<SseReader> {
    const headers = {
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    };
    const request = http.get(`${server.url}${path}`, { headers, agent: false });
    request.on('error', () => undefined);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`the stream was refused with ${response.statusCode}`);
    return new SseReader(request, response);
  }

  get contentType(): string {
    return this.response.headers['content-type'] ?? '';
  }

  /** Takes the first message for which `fits` holds, and those before it; waits for it. */
  async take(fits: (message: Received) => boolean): Promise<Received> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const index = this.received.findIndex(fits);
      const found = this.received[index];
      if (found !== undefined) {
        this.received.splice(0, index + 1);
        return found;
      }
      if (this.over || Date.now() > deadline) {
        throw new Error(`nothing of the kind came: ${JSON.stringify(this.received).slice(0, 2000)}`);
      }
      await this.news(deadline - Date.now());
    }
  }

  async ended(): Promise<void> {
    const deadline = Date.now() + 4 * PATIENCE_MS;
    while (!this.over) {
      if (Date.now() > deadline) throw new Error('the stream did not end');
      await this.news(deadline - Date.now());
    }
  }

  /** Stops to take what the server sends, or goes on. */
  hear(on: boolean): void {
    if (on) this.response.resume();
    else this.response.pause();
  }

  close(): void {
    this.request.destroy();
  }

  private read(part: string): void {
    const blocks = (this.rest + part).split('\n\n');
    this.rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      if (block.startsWith(':')) this.comments += 1;
      if (!fields.has('data')) continue;
      const id = fields.get('id');
      this.lastId = id ?? this.lastId;
      this.received.push({
        event: fields.get('event') ?? 'message',
        id,
        data: JSON.parse(fields.get('data') ?? ''),
        at: Date.now(),
      });
    }
    this.wake();
  }

  private wake(): void {
    for (const waiter of [...this.waiters]) waiter();
  }

  private async news(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(1, ms));
      this.waiters.add(done);
    });
  }
}
