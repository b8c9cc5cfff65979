import { connect, type Socket } from 'node:net';
import { HostKeyGuard } from './host-key-guard.js';

const SSH_PORT = 22;
const MAX_CONNECTIONS = 32;

/**
 * Joins connections with the SSH server of one address, and with nothing else; see {@link HostKeyGuard} for what it lets
 * pass. `onRefusal` hears why one was cut off.
 */
export function sshRelay(
  address: string,
  hostKeys: readonly string[],
  onRefusal: (reason: string) => void,
): (client: Socket) => void {
  let open = 0;
  return (client) => {
    if (open >= MAX_CONNECTIONS) {
      onRefusal(`more than ${MAX_CONNECTIONS} connections at once`);
      client.destroy();
      return;
    }
    open += 1;
    const server = connect({ host: address, port: SSH_PORT, allowHalfOpen: true });
    const guard = new HostKeyGuard(hostKeys);
    const close = () => {
      client.destroy();
      server.destroy();
    };
    server.once('close', () => {
      open -= 1;
    });
    server.on('data', (bytes: Buffer) => {
      let passed: Buffer;
      try {
        passed = guard.pass(bytes);
      } catch (error) {
        onRefusal(`${address}: ${(error as Error).message}`);
        close();
        return;
      }
      if (passed.length > 0 && !client.write(passed)) {
        server.pause();
        client.once('drain', () => server.resume());
      }
    });
    server.on('end', () => client.end());
    client.pipe(server);
    for (const socket of [client, server]) socket.on('error', close);
  };
}
