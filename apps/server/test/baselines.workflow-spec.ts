import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INVENTORY } from './fake-agent.js';
import { installationKey, orderRun, runIn } from './run-steps.js';
import { SshMachine } from './ssh-machine.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';
import { putWorkflow } from './workflow-steps.js';

const MAC = '52:54:00:78:00:01';
const PATH = `/machines/${MAC}`;
let server: TestServer;
let worker: { stop(): Promise<void> };
let machine: SshMachine;

beforeAll(async () => {
  server = await TestServer.start({ BTY_RUN_SSH_TIMEOUT: '10' });
  worker = await server.worker();
  machine = new SshMachine(MAC);
  await machine.start(await installationKey(server));
  await putWorkflow(server, 'good', 'echo good > /etc/state');
  await server.put(PATH, { ssh_host: machine.address, cijoe_workflow_ref: 'good' });
  await query(server.database, 'UPDATE machines SET inventory = $1 WHERE mac = $2', [JSON.stringify(INVENTORY), MAC]);
  await succeed();
});

afterAll(async () => {
  await worker?.stop();
  await server?.stop();
  await machine?.stop();
});

async function succeed() {
  return runIn(server, await orderRun(server, MAC), 'succeeded');
}

async function drift(): Promise<string[]> {
  const answer = await server.post(`${PATH}/drift`, undefined);
  expect(answer.status, answer.text).toBe(200);
  const found = answer.json.differences.map(
    ({ section, name, before, after }: Record<string, string | null>) =>
      `${section} ${name}${before === null ? ' new' : after === null ? ' gone' : ''}`,
  );
  expect(answer.json.drifted).toBe(found.length > 0);
  return found;
}

async function events(action: string): Promise<number> {
  const all = (await server.ask(`/events?subject=machine/${MAC}`)).json;
  return all.filter((event: { action: string }) => event.action === action).length;
}

describe('a baseline', () => {
  it('is what is on the machine', async () => {
    const { facts, ...head } = (await server.ask(`${PATH}/baseline`)).json;
    expect(head).toMatchObject({ mac: MAC, version: 1, current: true, workflow: 'good' });
    const lines = (command: string) => machine.run(command).trim().split('\n');
    const packages = lines(`dpkg-query -W -f '\${Package}:\${Architecture} \${Version}\\n'`).map((line) =>
      line.split(' '),
    );
    expect(facts.packages).toEqual(Object.fromEntries(packages));
    expect(facts.os.ID).toBe(lines('. /etc/os-release; echo $ID')[0]);
    expect(facts.kernel.release).toBe(lines('uname -r')[0]);
    expect(facts.etc['/etc/state']).toBe(lines('sha256sum /etc/state | cut -d" " -f1')[0]);
    expect(facts.users.root).toBe('0:0:/root:/bin/bash');
    expect(Object.keys(facts.etc).filter((name) => !facts.etc[name].startsWith('link')).length).toBe(
      Number(lines('find /etc -xdev -type f | wc -l')[0]),
    );
    expect(facts.host_keys['ssh-ed25519']).toBe(lines('cut -d" " -f2 /etc/ssh/ssh_host_ed25519_key.pub')[0]);
    expect(facts.mounts['/']).toMatch(/^overlay overlay /);
    expect(facts.services).toHaveProperty('remote-fs.target', 'enabled');
    expect(facts.hardware).toMatchObject({ firmware: 'bios', 'disk DISK-1': expect.stringContaining('virtio') });
  });

  it('does not go with the record’s PUT, and goes with the record', async () => {
    await server.put('/machines/52:54:00:78:00:09', {});
    const before = (await server.ask(PATH)).json.last_known_good;
    const after = (await server.put(PATH, { ssh_host: machine.address, cijoe_workflow_ref: 'good' })).json;
    expect(after.last_known_good).toEqual(before);
    expect((await server.ask('/machines/52:54:00:78:00:09/baseline')).status).toBe(404);
    expect((await server.ask('/machines/52:54:00:78:00:09/drift')).status).toBe(404);
    const none = await server.post('/machines/52:54:00:78:00:09/drift', undefined);
    expect([none.status, none.json.code]).toEqual([404, 'NOT_FOUND']);
  });

  it('has versions, of which an older one can be promoted and a spare one removed', async () => {
    machine.run('echo 2 > /etc/second');
    expect((await succeed()).baseline).toBe(2);
    const list = (await server.ask(`${PATH}/baselines`)).json;
    expect(list.map(({ version, current }: { version: number; current: boolean }) => [version, current])).toEqual([
      [2, true],
      [1, false],
    ]);
    expect(list[0]).not.toHaveProperty('facts');
    expect(await drift()).toEqual([]);
    expect((await server.post(`${PATH}/baselines/1/promote`, undefined)).json).toMatchObject({
      version: 1,
      current: true,
    });
    expect(await drift()).toEqual(['etc /etc/second new']);
    expect((await server.ask(`${PATH}/baselines/1`, { method: 'DELETE' })).status).toBe(409);
    await server.post(`${PATH}/baselines/2/promote`, undefined);
    expect(await drift()).toEqual([]);
    expect((await server.ask(`${PATH}/baselines/1`, { method: 'DELETE' })).status).toBe(204);
    for (const version of ['1', '9', 'x', '0', '-1']) {
      expect((await server.ask(`${PATH}/baselines/${version}`)).status).toBe(404);
      expect((await server.post(`${PATH}/baselines/${version}/promote`, undefined)).status).toBe(404);
    }
  });
});

describe('drift', () => {
  it('names exactly what was changed by hand, and says when it is good again', async () => {
    expect(await drift()).toEqual([]);
    const [drifted, recovered] = [await events('machine.drifted'), await events('machine.recovered')];
    machine.run(`set -e
      cp -a /bin/hostname /root/hostname; echo x >> /bin/hostname
      mv /etc/systemd/system/multi-user.target.wants/remote-fs.target /root/
      echo bad > /etc/state`);
    const expected = ['package_files /bin/hostname new', 'services remote-fs.target gone', 'etc /etc/state'];
    expect(await drift()).toEqual(expected);
    expect(await drift()).toEqual(expected);
    expect(await events('machine.drifted')).toBe(drifted + 1);
    const [told] = (await server.ask(`/events?subject=machine/${MAC}`)).json;
    const who = { action: 'machine.drifted', actor: 'token:admin', ip: '127.0.0.1' };
    expect(told).toMatchObject({ ...who, before: { count: 0 }, after: { count: 3 } });
    expect((await server.ask(PATH)).json.last_drift_check).toMatchObject({ differences: 3 });
    const text = (await server.ask(`${PATH}/drift`, { headers: { Accept: 'text/plain' } })).text;
    expect(text).toMatch(
      /^52:54:00:78:00:01 differs from its baseline 2 of .*\n\npackage_files\n {2}\+ \/bin\/hostname {2}\S*5\S*\nservices\n/,
    );
    expect(text).toMatch(/\netc\n {2}~ \/etc\/state\n$/);
    machine.run(`set -e
      cat /root/hostname > /bin/hostname
      mv /root/remote-fs.target /etc/systemd/system/multi-user.target.wants/
      echo good > /etc/state`);
    expect(await drift()).toEqual([]);
    expect(await events('machine.recovered')).toBe(recovered + 1);
  });

  it('leaves out what the record ignores', async () => {
    machine.run(
      'echo 3 > /etc/third; adduser --system --no-create-home --quiet visitor 2>/dev/null || useradd -r visitor',
    );
    expect(await drift()).toEqual(
      expect.arrayContaining(['users visitor new', 'etc /etc/third new', 'etc /etc/passwd']),
    );
    const ignore = [
      '/etc/third',
      'users:visitor',
      'groups:*',
      '/etc/passwd*',
      '/etc/shadow*',
      '/etc/group*',
      '/etc/gshadow*',
      '/etc/sub?id',
    ];
    const fields = { ssh_host: machine.address, cijoe_workflow_ref: 'good' };
    await server.put(PATH, { ...fields, drift_ignore: ignore });
    expect(await drift()).toEqual([]);
    await server.put(PATH, fields);
    expect((await drift()).length).toBeGreaterThan(0);
  });

  it('is over when a run succeeds again', async () => {
    const recovered = await events('machine.recovered');
    await succeed();
    expect(await events('machine.recovered')).toBe(recovered + 1);
    expect((await server.ask(PATH)).json.last_drift_check).toBeNull();
    expect(await drift()).toEqual([]);
  });

  it('is not looked for while something goes on, nor where nothing answers', async () => {
    await putWorkflow(server, 'sleepy', 'sleep 20');
    const id = await orderRun(server, MAC, 'sleepy');
    const busy = await server.post(`${PATH}/drift`, undefined);
    expect([busy.status, busy.json.code, busy.json.details.run_id]).toEqual([409, 'RUN_ACTIVE', id]);
    await server.post(`/runs/${id}/cancel`, undefined);
    machine.run('mkdir /run/cloud-init; echo {} >/run/cloud-init/status.json');
    const starting = await server.post(`${PATH}/drift`, undefined);
    expect([starting.status, starting.json.code]).toEqual([503, 'SYSTEM_STARTING']);
    await machine.halt();
    const silent = await server.post(`${PATH}/drift`, undefined);
    expect([silent.status, silent.json.code]).toEqual([503, 'SSH_UNREACHABLE']);
    await machine.reflash(await installationKey(server));
    await server.ask(`${PATH}/host-keys`, { method: 'DELETE' });
  });

  it('is looked for by itself when that is wished for', async () => {
    await succeed();
    await worker.stop();
    Object.assign(server, { config: Object.freeze({ ...server.config, driftIntervalSeconds: 1 }) });
    worker = await server.worker();
    machine.run('echo x > /etc/by-itself');
    let check: { differences: number } | null = null;
    for (let tries = 0; tries < 200 && !check?.differences; tries += 1) {
      await sleep(100);
      check = (await server.ask(PATH)).json.last_drift_check;
    }
    expect(check?.differences).toBe(1);
  });
});

describe('removing the record', () => {
  it('removes its baselines', async () => {
    expect((await server.ask(PATH, { method: 'DELETE' })).status).toBe(204);
    expect(await query(server.database, 'SELECT 1 FROM baselines WHERE mac = $1', [MAC])).toEqual([]);
  });
});
