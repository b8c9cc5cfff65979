import { once } from 'node:events';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';

/** Request options of node:http, and for https those of TLS. */
export interface AskOptions extends RequestOptions {
  signal: AbortSignal;
  /** Time without a byte in either direction after which the connection is given up, in milliseconds. */
  stallMs: number;
  rejectUnauthorized?: boolean;
  body?: Buffer;
}

/**
 * Begins a request with Node's own client. Its modules are taken when they are needed, and not imported: an import of
 * `node:http` looks at all that it exports, WebSocket among it, and that loads the whole of fetch, which takes
 * 19 ms; TLS takes 7 ms more.
 */
export function beginRequest(url: string, options: RequestOptions): ClientRequest {
  const client = process.getBuiltinModule(url.startsWith('https:') ? 'node:https' : 'node:http');
  return client.request(url, options);
}

/**
 * Asks an http(s) server and returns the head of its answer, whose body follows as a stream; a stall ends both with an
 * error. Node's own client: any other one costs the live env a second of start-up.
 */
export async function ask(url: string, { stallMs, body, ...options }: AskOptions): Promise<IncomingMessage> {
  const request = beginRequest(url, options);
  request.setTimeout(stallMs, () => request.destroy(new Error(`nothing moved for ${stallMs} ms`)));
  // A failure after the answer's head is the body's to tell.
  request.on('error', () => undefined);
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  request.end(body);
  const [response] = await answered;
  return response;
}
