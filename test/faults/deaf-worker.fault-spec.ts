import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import { Bell } from '../../apps/server/src/queue/bell.ts';
import { BackendQueue } from '../../apps/server/src/queue/queue-backend.ts';
import { QueueConnection } from '../../apps/server/src/queue/queue-connection.ts';
import { WORKER } from '../../apps/server/src/queue/queue-names.ts';
import { SteadyWorker } from '../../apps/server/src/queue/steady-worker.ts';
import { RedisProcess } from '../../apps/server/test/redis-process.ts';
import { createDatabase } from '../../apps/server/test/test-database.ts';
import { eventually } from '../lab/process.ts';

const PICK_UP_MS = 10_000;
const NOBODY = { socketDir: '', user: '', database: '' };

/** A worker with its queue, and the ids of the orders that it took. */
interface Shop {
  readonly bell: Bell<object>;
  readonly worker: SteadyWorker;
  readonly taken: string[];
}

async function open(connection: QueueConnection, test: TestContext): Promise<Shop> {
  const queue = new BackendQueue('shop', connection.options);
  const taken: string[] = [];
  const take = async (order: { id?: string | undefined }) => taken.push(order.id ?? '');
  const worker = new SteadyWorker('shop', take, { ...connection.options, ...WORKER });
  worker.on('error', () => undefined);
  test.onTestFinished(async () => {
    await worker.close();
    await queue.close();
    await connection.close();
  });
  return { bell: new Bell(queue), worker, taken };
}

async function openOnRedis(test: TestContext): Promise<Shop & { redis: RedisProcess }> {
  const redis = await RedisProcess.start();
  test.onTestFinished(() => redis.discard());
  return { ...(await open(await QueueConnection.open(NOBODY, redis.url), test)), redis };
}

async function openOnPostgres(test: TestContext): Promise<Shop> {
  const { target, drop } = await createDatabase();
  test.onTestFinished(drop);
  return open(await QueueConnection.open(target, undefined), test);
}

describe.concurrent('a worker that takes nothing any more', () => {
  it.for([
    ['waiting', 'Redis', openOnRedis, 0],
    ['delayed', 'Postgres', openOnPostgres, 500],
  ] as const)('is replaced when a %s order is due in %s', async ([_how, _where, openShop, delayMs], test) => {
    const { bell, worker, taken } = await openShop(test);
    bell.ring('order-1', {});
    await eventually('the first order is taken', 5_000, () => taken.includes('order-1'), 20);
    await sleep(300);
    const deaf = worker['hand'].worker;
    await deaf.close(true);
    await sleep(100);
    bell.ring('order-2', {}, delayMs);
    await eventually('the second order is taken', PICK_UP_MS, () => taken.includes('order-2'), 20);
    expect(worker['hand'].worker).not.toBe(deaf);
    expect(taken).toEqual(['order-1', 'order-2']);
  });

  it('is replaced when an outage has parked its connection for good, as in taskforcesh/bullmq#4585', async (test) => {
    const { bell, worker, taken, redis } = await openOnRedis(test);
    const parked = worker['hand'].worker;
    const client = await parked.getBackend().blockingClient;
    await redis.stop();
    await eventually('the connection is being made again', 5_000, () => client?.status === 'reconnecting', 1);
    client?.disconnect(false);
    await redis.startAgain();
    const began = Date.now();
    bell.ring('after', {});
    await eventually('the order is taken', PICK_UP_MS, () => taken.includes('after'), 20);
    expect(Date.now() - began).toBeLessThan(PICK_UP_MS);
    expect(worker['hand'].worker).not.toBe(parked);
    expect(client?.status).not.toBe('ready');
  });

  it('is not mistaken for one that works, or has nothing to do', async (test) => {
    const { bell, worker, taken } = await openOnPostgres(test);
    const first = worker['hand'].worker;
    bell.ring('later', {}, 60_000);
    await sleep(5_500);
    expect(worker['hand'].worker).toBe(first);
    expect(taken).toEqual([]);
  });
});
