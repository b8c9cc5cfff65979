/**
 * Carries TCP connections into a lab's network namespace: a socket in the file system is reachable from every
 * namespace. Run inside the namespace as `node relay.ts SOCKET HOST PORT`; `relayFrom` is the outer half.
 */
import { createConnection, createServer, type Server, type Socket } from 'node:net';

function join(a: Socket, b: Socket): void {
  a.pipe(b).pipe(a);
  a.on('error', () => b.destroy());
  b.on('error', () => a.destroy());
}

/** Listens on a free port of the loopback address and carries its connections to the socket. Resolves to the server. */
export function relayFrom(socketPath: string): Promise<Server> {
  const server = createServer((client) => join(client, createConnection(socketPath)));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

const [socketPath, host, port] = process.argv.slice(2);
if (import.meta.main && socketPath && host && port) {
  createServer((client) => join(client, createConnection(Number(port), host))).listen(socketPath);
}
