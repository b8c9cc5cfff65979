import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';

const HEADERS_TIMEOUT_MS = 30_000;
/** A connection on which nothing moves this long is cut; an upload that moves may take hours. */
const IDLE_TIMEOUT_MS = 120_000;

/** Sets the limits of time, and leaves it to the handlers to ask for a body that was announced with `Expect`. */
export function tuneServer(server: Server | TlsServer): void {
  server.requestTimeout = 0;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.timeout = IDLE_TIMEOUT_MS;
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response);
  });
}
