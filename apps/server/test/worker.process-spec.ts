import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive, ServerProcess } from './server-process.js';
import { SshMachine } from './ssh-machine.js';

const MAC = '52:54:00:79:00:01';
const TASK = 'doc: x\nsteps:\n- name: commands\n  run: |\n    touch /run/begun\n    sleep 300\n';
let server: ServerProcess;
let machine: SshMachine;

beforeAll(async () => {
  server = await ServerProcess.start(ServerProcess.newStateDir(), [], { BTY_ROLE: 'all' });
});

afterAll(async () => {
  await server.end('SIGTERM');
  await machine?.stop();
  ServerProcess.discard(server.stateDir);
});

/** Process id of the worker that was started last. */
function workerPid(): number {
  return Number([...server.log.matchAll(/the worker is process (\d+)/g)].at(-1)?.[1]);
}

async function until<T>(look: () => Promise<T | undefined>, ms: number, what: string): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms} ms\n${server.log}`);
    await sleep(50);
  }
}

describe('the worker', () => {
  it('is a process of its own, with which a workflow is checked and carried out', async () => {
    expect(isAlive(workerPid())).toBe(true);
    const put = await server.put('/workflows/endless', TASK, { 'Content-Type': 'application/yaml' });
    expect(put.status, JSON.stringify(put.json)).toBe(201);
    // The key that lets the server in comes with what a flashed system gets.
    const user_data = '#cloud-config\nssh_authorized_keys: ["{{ssh_public_key}}"]\n';
    await server.put(`/machines/${MAC}`, { user_data });
    machine = new SshMachine(MAC);
    const key = await publicKey(user_data);
    await machine.start(key);
    const fields = { ssh_host: machine.address, cijoe_workflow_ref: 'endless' };
    expect((await server.put(`/machines/${MAC}`, fields)).status).toBe(200);
  });

  it('that is killed leaves no run running for ever, and another takes its place', async () => {
    const { json: run } = await server.post('/runs', { mac: MAC });
    await until(async () => (machine.run('ls /run').includes('begun') ? true : undefined), 20_000, 'the workflow');
    const killed = workerPid();
    process.kill(killed, 'SIGKILL');
    const began = Date.now();
    const ended = await until(
      async () => {
        const { json } = await server.ask(`/runs/${run.id}`);
        return json.state === 'running' ? undefined : json;
      },
      60_000,
      'the run',
    );
    process.stderr.write(`a killed worker's run was interrupted after ${Date.now() - began} ms\n`);
    expect(ended).toMatchObject({ state: 'interrupted', error: { code: 'INTERRUPTED' } });
    await until(async () => (workerPid() === killed ? undefined : true), 10_000, 'another worker');
    const { json: next } = await server.post('/runs', { mac: MAC });
    await until(
      async () => ((await server.ask(`/runs/${next.id}`)).json.state === 'running' ? true : undefined),
      30_000,
      'the next run',
    );
    expect((await server.post(`/runs/${next.id}/cancel`, undefined)).status).toBe(200);
  }, 120_000);

  it('ends with its server, even when that is killed', async () => {
    const pid = workerPid();
    await server.end('SIGKILL');
    await until(async () => (isAlive(pid) ? undefined : true), 15_000, 'the worker’s end');
    server = await ServerProcess.start(server.stateDir, [], { BTY_ROLE: 'all' });
  }, 60_000);
});

/** The installation's public key, out of a seed that carries it. */
async function publicKey(user_data: string): Promise<string> {
  await server.put('/images/x.img', Buffer.alloc(1024 * 1024, 1));
  await until(
    async () => ((await server.ask('/images/x.img/info')).json?.state === 'ready' ? true : undefined),
    20_000,
    'the image',
  );
  const order = { mac: MAC, image: 'x.img', provisioning_mode: 'cloud-init', user_data };
  const { json: job } = await server.post('/flash-jobs', order);
  const seed = (await server.ask(`/flash-jobs/${job.id}/seed`)).json;
  await server.post(`/flash-jobs/${job.id}/cancel`, undefined);
  return /"(ssh-ed25519 [^"]+)"/.exec(seed.user_data)?.[1] ?? '';
}
