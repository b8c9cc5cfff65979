import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent } from '../../apps/server/test/fake-agent.ts';
import { newMachine } from '../../apps/server/test/flash-steps.ts';
import { RedisProcess } from '../../apps/server/test/redis-process.ts';
import { ServerProcess } from '../../apps/server/test/server-process.ts';
import { createDatabase } from '../../apps/server/test/test-database.ts';
import { eventually } from '../lab/process.ts';
import { violations } from './invariants.ts';

/** Takes long enough to be caught in the middle. */
const LARGE_BYTES = 1024 ** 3;
const NO_PROGRESS_TIMEOUT_S = 4;
const TAKE_OVER_MS = 25_000;

let redis: RedisProcess;
let gate: Server;
let stateDir: string;
let servers: [ServerProcess, ServerProcess];
let dropDatabase: () => Promise<void>;

/** Lets servers reach the tests' Postgres, which is on a Unix socket, by an address as an installation has one. */
async function openGate(socketDir: string): Promise<number> {
  gate = createServer((client) => {
    const postgres = connect(join(socketDir, '.s.PGSQL.5432'));
    client.pipe(postgres).pipe(client);
    client.on('error', () => postgres.destroy());
    postgres.on('error', () => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(gate, 'listening');
  return (gate.address() as AddressInfo).port;
}

function hasOpen(pid: number, path: string): boolean {
  const descriptors = readdirSync(`/proc/${pid}/fd`);
  return descriptors.some((descriptor) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${descriptor}`) === path;
    } catch {
      // It has been closed meanwhile.
      return false;
    }
  });
}

beforeAll(async () => {
  redis = await RedisProcess.start();
  const { target, drop } = await createDatabase();
  dropDatabase = drop;
  const port = await openGate(target.socketDir);
  const settings = {
    BTY_DATABASE_URL: `postgres://${target.user}@127.0.0.1:${port}/${target.database}`,
    BTY_REDIS_URL: redis.url,
    BTY_NO_PROGRESS_TIMEOUT: String(NO_PROGRESS_TIMEOUT_S),
  };
  stateDir = ServerProcess.newStateDir();
  const first = await ServerProcess.start(stateDir, [], settings);
  servers = [first, await ServerProcess.start(stateDir, [], settings)];
});

afterAll(async () => {
  for (const server of servers) await server.end('SIGTERM');
  gate.close();
  await redis.discard();
  await dropDatabase();
  ServerProcess.discard(stateDir);
});

describe('two servers on one Postgres and one Redis', () => {
  it('do one thing once, also when one stands still in the middle and goes on later', async () => {
    const [first, second] = servers;
    expect((await first.put('/images/debian.img', Buffer.alloc(512, 1))).status).toBe(201);
    const mac = await newMachine(first, { boot_policy: 'flash', image: 'debian.img' });
    const { job_id } = await (await FakeAgent.boot(second, mac)).receive('flash.start');
    const path = join(stateDir, 'images/large.img');
    writeFileSync(path, '');
    truncateSync(path, LARGE_BYTES);
    await second.ask('/images');
    const owner = await eventually(
      'one of them prepares the image',
      5_000,
      () => servers.find(({ pid }) => hasOpen(pid, path)),
      2,
    );
    const other = owner === first ? second : first;
    owner.signal('SIGSTOP');
    await eventually('the image is ready', TAKE_OVER_MS, async () => {
      await other.ask('/images');
      return (await other.ask('/images/large.img/info')).json.state === 'ready';
    });
    owner.signal('SIGCONT');
    await eventually('the silent attempt is given back', TAKE_OVER_MS, async () => {
      const { history } = (await second.ask(`/flash-jobs/${job_id}`)).json;
      return history.some((line: { state: string; epoch: number }) => line.state === 'queued' && line.epoch === 1);
    });
    await second.post(`/flash-jobs/${job_id}/cancel`, undefined);
    await eventually('it is done with the image, too', TAKE_OVER_MS, () => !hasOpen(owner.pid, path));
    const info = (await first.ask('/images/large.img/info')).json;
    expect(info.sha256).toBe(createHash('sha256').update(Buffer.alloc(LARGE_BYTES)).digest('hex'));
    const events: { action: string }[] = (await first.ask('/events?subject=image/large.img')).json;
    expect(events.filter(({ action }) => action === 'image.prepared')).toHaveLength(1);
    for (const server of servers) {
      expect(await violations(server, { jobIds: [job_id], noProgressTimeoutMs: NO_PROGRESS_TIMEOUT_S * 1000 })).toEqual(
        [],
      );
    }
  });

  it('know of each other’s agents, until a server has been silent for 45 s', async () => {
    const [first, second] = servers;
    const mac = await newMachine(first, { boot_policy: 'tui' });
    const agent = await FakeAgent.boot(second, mac);
    const isSeen = async () => (await first.ask(`/machines/${mac}`)).json.agent_connected === true;
    await eventually('the other server sees the agent', 5_000, isSeen);
    second.signal('SIGSTOP');
    try {
      expect(await isSeen()).toBe(true);
      await eventually('the agent of a server that stands still is gone', 60_000, async () => !(await isSeen()));
    } finally {
      second.signal('SIGCONT');
      agent.cut();
    }
  });
});
