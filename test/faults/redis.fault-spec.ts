import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent } from '../../apps/server/test/fake-agent.ts';
import { eventually } from '../lab/process.ts';
import { Bench } from './bench.ts';

/** Longer than a worker blocks on Redis and its own watchdog waits: where taskforcesh/bullmq#4585 began. */
const OUTAGE_MS = 7_000;
const ANSWER_MS = 2_000;
const PICK_UP_MS = 10_000;
const RECONCILE_MS = 30_000;
const MIB = 1024 * 1024;

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start('in Redis', { redisAway: true });
});

afterAll(() => bench.stop());

async function readyReasons(): Promise<string[]> {
  return (await bench.server.ask('/readyz')).json.reasons;
}

async function becomesReady(): Promise<void> {
  await eventually('the server is ready', PICK_UP_MS, async () => (await bench.server.ask('/readyz')).status === 200);
}

describe('Redis that is away when the server starts', () => {
  it('costs no order, and is worked with as soon as it is there', async () => {
    expect(await readyReasons()).toEqual([expect.stringMatching(/^queue: Redis is not reachable: .*ECONNREFUSED/)]);
    const { mac, ms } = await bench.order();
    expect(ms).toBeLessThan(ANSWER_MS);
    const silent = await bench.given(await FakeAgent.boot(bench.server, mac));
    bench.drop('early.img');
    await bench.server.ask('/images');

    await bench.redis.startAgain();
    expect(await bench.prepared('early.img', PICK_UP_MS)).toBeLessThan(PICK_UP_MS);
    await becomesReady();
    await bench.givenBack(silent, PICK_UP_MS);
    await bench.judge();
  });
});

describe('Redis that is stopped and started again', () => {
  it('gets its workers back within ten seconds when they were idle', async () => {
    await bench.redis.stop();
    await sleep(OUTAGE_MS);
    await bench.redis.startAgain();
    bench.drop('idle.img');
    const silent = await bench.flash();
    expect(await bench.prepared('idle.img', PICK_UP_MS)).toBeLessThan(PICK_UP_MS);
    await bench.givenBack(silent, PICK_UP_MS);
    await bench.judge();
  });

  it('loses no order that was given before or meanwhile, and gets its workers back within ten seconds', async () => {
    for (let count = 0; count < 5; count += 1) bench.drop(`before-${count}.img`, Buffer.alloc(MIB, count));
    const silent = await bench.flash();
    await bench.server.ask('/images');
    await bench.redis.stop();
    const until = Date.now() + OUTAGE_MS;
    for (let count = 0; Date.now() < until; count += 1) {
      expect((await bench.order()).ms).toBeLessThan(ANSWER_MS);
      const { agent, start } = await bench.flash();
      await agent.flash(start);
      if (count < 5) bench.drop(`meanwhile-${count}.img`);
      expect((await bench.server.ask('/images')).status).toBe(200);
      await sleep(200);
    }
    await bench.redis.startAgain();
    // The first tells that the workers are back; how long all take is a matter of the machine.
    expect(await bench.prepared('meanwhile-0.img', PICK_UP_MS)).toBeLessThan(PICK_UP_MS);
    for (let count = 1; count < 5; count += 1) await bench.prepared(`meanwhile-${count}.img`, RECONCILE_MS);
    for (let count = 0; count < 5; count += 1) await bench.prepared(`before-${count}.img`, RECONCILE_MS);
    await bench.givenBack(silent, RECONCILE_MS);
    await bench.judge();
  });
});

describe('Redis that hangs', () => {
  it('holds up nobody, and is worked with within ten seconds of its return', async () => {
    bench.redis.pause();
    const until = Date.now() + OUTAGE_MS;
    while (Date.now() < until) {
      expect((await bench.order()).ms).toBeLessThan(ANSWER_MS);
      const { agent, start } = await bench.flash();
      await agent.flash(start);
      bench.drop('meanwhile.img');
      expect((await bench.server.ask('/images')).status).toBe(200);
      expect(await readyReasons()).toEqual([expect.stringMatching(/^queue: /)]);
    }
    bench.redis.resume();
    expect(await bench.prepared('meanwhile.img', PICK_UP_MS)).toBeLessThan(PICK_UP_MS);
    await becomesReady();
    await bench.judge();
  });
});

describe('Redis that forgets everything', () => {
  it('is told again by Postgres within thirty seconds: nothing is lost, nothing is done twice', async () => {
    const silent = await bench.flash();
    const names = Array.from({ length: 10 }, (_, index) => `forgotten-${index}.img`);
    for (const name of names) bench.drop(name, Buffer.alloc(4 * MIB, name));
    await bench.server.ask('/images');
    await bench.redis.ask('FLUSHALL');
    const began = Date.now();
    await bench.givenBack(silent, RECONCILE_MS);
    for (const name of names) await bench.prepared(name, RECONCILE_MS);
    expect(Date.now() - began).toBeLessThan(RECONCILE_MS);
    for (const name of names) expect(await bench.count(`image/${name}`, 'image.prepared')).toBe(1);
    await bench.judge();
  });
});

describe('Redis that cannot be trusted', () => {
  it('makes the server not ready when it throws keys away or is full, and costs no order', async () => {
    await bench.redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await readyReasons()).toEqual([expect.stringContaining('noeviction, not allkeys-lru')]);
    await bench.redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await bench.redis.ask('CONFIG', 'SET', 'maxmemory', '1');
    expect(await readyReasons()).toEqual([expect.stringContaining('Redis is full')]);
    expect((await bench.order()).ms).toBeLessThan(ANSWER_MS);
    bench.drop('full.img');
    await bench.server.ask('/images');
    await bench.redis.ask('CONFIG', 'SET', 'maxmemory', '0');
    expect(await bench.prepared('full.img', PICK_UP_MS)).toBeLessThan(PICK_UP_MS);
    await becomesReady();
    await bench.judge();
  });

  it('cannot stop the server with what others write into it', async () => {
    const forge = async (queue: string, id: string, ...fields: string[]) => {
      await bench.redis.ask('HSET', `bull:${queue}:${id}`, ...fields);
      await bench.redis.ask('LPUSH', `bull:${queue}:wait`, id);
      await bench.redis.ask('ZADD', `bull:${queue}:marker`, '0', '0');
    };
    for (const queue of ['image-prepare', 'flash-deadline']) {
      await forge(queue, 'a', 'name', 'x', 'data', '{', 'opts', '{}', 'timestamp', '1');
      await forge(queue, 'b', 'name', 'x', 'data', '{"jobId":"x","name":"../x"}', 'opts', 'nothing', 'timestamp', 'x');
      await forge(queue, 'c', 'name', '', 'data', '[]', 'opts', '{"attempts":1000000}', 'timestamp', '1');
      await bench.redis.ask('LPUSH', `bull:${queue}:wait`, 'not-there');
    }
    bench.drop('after.img');
    const silent = await bench.flash();
    expect(await bench.prepared('after.img', PICK_UP_MS)).toBeLessThan(PICK_UP_MS);
    await bench.givenBack(silent, PICK_UP_MS);
    await bench.judge();
  });
});

describe('SIGTERM while Redis is away', () => {
  it('ends the server within ten seconds, whether it has known Redis or not', async () => {
    await bench.flash();
    await bench.redis.stop();
    for (const attempt of ['that has known Redis', 'that has not']) {
      const { code, ms } = await bench.server.end('SIGTERM');
      expect([attempt, code, ms < PICK_UP_MS]).toEqual([attempt, 0, true]);
      await bench.startServer();
    }
  });
});
