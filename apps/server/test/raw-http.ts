import { connect } from 'node:net';

/** Sends bytes on a socket of its own and returns everything that comes back until the server closes or is silent. */
export async function rawHttp(port: number, request: string, silenceMs = 300): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const parts: Buffer[] = [];
    const finish = () => {
      socket.destroy();
      resolve(Buffer.concat(parts).toString('latin1'));
    };
    socket.setTimeout(silenceMs, finish);
    socket.on('data', (part) => parts.push(part));
    socket.on('end', finish);
    socket.on('error', (error) => (parts.length > 0 ? finish() : reject(error)));
    socket.write(request);
  });
}
