import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CIJOE_ONLINE, WORKFLOW_CHECK } from '../src/queue/index.js';
import { openQueue } from './open-queue.js';
import { installationKey, orderRun, runIn } from './run-steps.js';
import { SshMachine } from './ssh-machine.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';
import { putWorkflow } from './workflow-steps.js';

const MAC = '52:54:00:7a:00:01';
const GHOST = '52:54:00:7a:00:02';
let server: TestServer;
let worker: { stop(): Promise<void> };
let machine: SshMachine;
let digest: string;

beforeAll(async () => {
  server = await TestServer.start({ BTY_RUN_SSH_TIMEOUT: '5' });
  worker = await server.worker();
  machine = new SshMachine(MAC);
  await machine.start(await installationKey(server));
  digest = await putWorkflow(server, 'count', 'echo done >>/root/count');
  for (const mac of [MAC, GHOST]) {
    const ssh_host = mac === MAC ? machine.address : machine.gateway;
    await server.put(`/machines/${mac}`, { ssh_host, cijoe_workflow_ref: 'count' });
  }
}, 60_000);

afterAll(async () => {
  await worker?.stop();
  await server?.stop();
  await machine?.stop();
});

function timesDone(): number {
  return Number(machine.run('wc -l </root/count 2>/dev/null || echo 0'));
}

/** Empties a queue, as a Redis that was lost does, with nobody at work. */
async function forgetAll(name: string): Promise<void> {
  const { queue, close } = await openQueue(server, name);
  await queue.obliterate({ force: true });
  await close();
}

describe('the queue of runs', () => {
  it('brings a run to a worker once, however often it is ordered', async () => {
    const before = timesDone();
    const { queue, close } = await openQueue(server, CIJOE_ONLINE);
    const id = await orderRun(server, MAC);
    for (const name of ['one', 'two']) await queue.add(name, { runId: id });
    await queue.add('garbage', { runId: "'; DROP TABLE runs" });
    await close();
    await runIn(server, id, 'succeeded');
    await sleep(300);
    expect(timesDone()).toBe(before + 1);
  }, 60_000);

  it('ends a run whose machine never answers', async () => {
    const done = await runIn(server, await orderRun(server, GHOST), 'failed');
    expect(done.error.code).toBe('SSH_UNREACHABLE');
  }, 60_000);

  it('may forget everything: Postgres says which run is due when a worker comes', async () => {
    const before = timesDone();
    await worker.stop();
    const id = await orderRun(server, MAC);
    await sleep(300);
    await forgetAll(CIJOE_ONLINE);
    worker = await server.worker();
    await runIn(server, id, 'succeeded');
    expect(timesDone()).toBe(before + 1);
  }, 60_000);
});

describe('the queue of workflow checks', () => {
  it('has a version that nobody has checked, and that it has forgotten, checked when a worker comes', async () => {
    await worker.stop();
    const unchecked = "UPDATE workflow_versions SET state = 'checking' WHERE digest = $1";
    await query(server.database, unchecked, [digest]);
    await forgetAll(WORKFLOW_CHECK);
    worker = await server.worker();
    const state = async () => (await server.ask('/workflows/count')).json.versions?.[0]?.state;
    await expect.poll(state, { timeout: 30_000, interval: 100 }).toBe('ready');
  }, 60_000);
});
