import { BackendQueue } from '../src/queue/queue-backend.js';
import { QueueConnection } from '../src/queue/queue-connection.js';
import type { TestServer } from './test-server.js';

/** A queue of a server, as somebody else reaches it who can reach its Redis or its Postgres. */
export async function openQueue(
  server: TestServer,
  name: string,
): Promise<{ queue: BackendQueue; close: () => Promise<void> }> {
  const connection = await QueueConnection.open(server.database, server.config.redisUrl);
  const queue = new BackendQueue(name, connection.options);
  const close = async () => {
    await queue.close();
    await connection.close();
  };
  return { queue, close };
}
