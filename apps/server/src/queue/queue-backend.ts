import { type ConnectionOptions, createPostgresBackend, createRedisBackend, Queue, type QueueOptions } from 'bullmq';
import { Redis } from 'ioredis';

/** BullMQ's backend for a connection, which is a Redis client or a Postgres pool. Its types know Redis only. */
export function backendFor(connection: ConnectionOptions): typeof createRedisBackend {
  const factory: unknown = connection instanceof Redis ? createRedisBackend : createPostgresBackend;
  return factory as typeof createRedisBackend;
}

/** A queue on the backend that its connection is of. */
export class BackendQueue extends Queue {
  constructor(name: string, options: QueueOptions) {
    super(name, options, backendFor(options.connection));
  }
}
