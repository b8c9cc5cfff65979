import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import { IDLE_TIMEOUT_MS } from './http/index.js';

const HEADERS_TIMEOUT_MS = 30_000;
/** Sets the limits of time, and leaves it to the handlers to ask for a body that was announced with `Expect`. */
export function tuneServer(server: Server | TlsServer): void {
  server.requestTimeout = 0;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.timeout = IDLE_TIMEOUT_MS;
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response);
  });
}
