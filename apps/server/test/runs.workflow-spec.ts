import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readArchive } from '@bty/archive';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { putImage } from './image-steps.js';
import { flashByAgent, installationKey, logged, logOf, orderRun, run, runIn, runsOf } from './run-steps.js';
import { SshMachine } from './ssh-machine.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';
import { putFiles, putWorkflow } from './workflow-steps.js';

const MAC = '52:54:00:77:00:01';
const GHOST = '52:54:00:77:00:02';
let server: TestServer;
let worker: { stop(): Promise<void> };
let machine: SshMachine;
let key: string;

beforeAll(async () => {
  server = await TestServer.start({ BTY_RUN_SSH_TIMEOUT: '3', BTY_RUN_TIMEOUT: '5' });
  worker = await server.worker();
  key = await installationKey(server);
  machine = new SshMachine(MAC);
  await machine.start(key);
  await putImage(server, 'debian.img', Buffer.alloc(1024 * 1024, 1));
  await putWorkflow(server, 'mark', 'echo marked > /run/mark\ncat /run/mark');
});

afterAll(async () => {
  await worker?.stop();
  await server?.stop();
  await machine?.stop();
});

/** A record of the machine, which answers at its address. */
async function record(fields: Record<string, unknown> = {}): Promise<void> {
  const own = { ssh_host: machine.address, cijoe_workflow_ref: 'mark', image: 'debian.img' };
  const answer = await server.put(`/machines/${MAC}`, { ...own, ...fields });
  expect(answer.status, answer.text).toBeLessThan(300);
}

async function forgetHostKeys(): Promise<void> {
  expect((await server.ask(`/machines/${MAC}/host-keys`, { method: 'DELETE' })).status).toBe(204);
}

describe('a run', () => {
  it('carries out the workflow on the machine, keeps its log and report, and records the baseline', async () => {
    await record({ hostname: 'node-1' });
    const id = await orderRun(server, MAC);
    const done = await runIn(server, id, 'succeeded');
    expect(machine.run('cat /run/mark')).toBe('marked\n');
    expect(done).toMatchObject({
      ...{ mac: MAC, kind: 'online', workflow: 'mark', address: machine.address, baseline: 1, error: null },
      requested_by: 'token:admin',
    });
    expect(done.history.map(({ state }: { state: string }) => state)).toEqual([
      'queued',
      'waiting',
      'running',
      'succeeded',
    ]);
    expect(await logOf(server, id)).toMatch(/^bty: waiting for .*\n(.*\n)*marked\n(.*\n)*bty: succeeded\n$/);
    expect(done.report.map(({ path }: { path: string }) => path)).toEqual(
      expect.arrayContaining(['report.html', 'task.state', '001_commands/cmd_01.output', '001_commands/cmd_02.output']),
    );
  });

  it('leaves no key behind on the machine, and lets the workflow have none but its own', async () => {
    const before = machine.run('cat /root/.ssh/authorized_keys');
    await putWorkflow(server, 'keys', 'cat /root/.ssh/authorized_keys');
    const id = await orderRun(server, MAC, 'keys');
    await runIn(server, id, 'succeeded');
    expect(machine.run('cat /root/.ssh/authorized_keys')).toBe(before);
    expect(before).not.toContain('bty-run-');
    expect(await logOf(server, id)).toContain(`bty-run-${id}`);
  });

  it('tells the workflow what it is about', async () => {
    const script = `def main(args, cijoe):
    print('facts', cijoe.getconf('bty.mac'), cijoe.getconf('bty.hostname'), cijoe.getconf('mine.word'))
    print('key', open(cijoe.getconf('cijoe.transport.bty.key_filename')).read()[:36])
    err, _ = cijoe.run('hostname')
    return err
`;
    await putFiles(server, 'facts', {
      'cijoe-task.yaml': 'doc: x\nsteps:\n- name: own\n  uses: own\n',
      'own.py': script,
      'cijoe-config.toml': '[mine]\nword = "w"\n[cijoe.transport.other]\nhostname = "10.0.0.1"\n',
    });
    const id = await orderRun(server, MAC, 'facts');
    await runIn(server, id, 'succeeded');
    const log = await logOf(server, id);
    expect(log).toContain(`facts ${MAC} node-1 w\n`);
    expect(log).toContain('key -----BEGIN OPENSSH PRIVATE KEY-----');
  });

  it('shows its log while it runs, within a second of the print', async () => {
    await putWorkflow(server, 'slow', 'date +%s%3N\nsleep 1\ndate +%s%3N\nsleep 1\ndate +%s%3N');
    const id = await orderRun(server, MAC, 'slow');
    const response = await fetch(`${server.url}/runs/${id}/log?follow=true`, {
      headers: { Authorization: `Bearer ${server.token}` },
    });
    let worst = 0;
    let stamps = 0;
    const decoder = new TextDecoder();
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      for (const [stamp] of decoder.decode(part).matchAll(/^\d{13}$/gm)) {
        worst = Math.max(worst, Date.now() - Number(stamp));
        stamps += 1;
      }
    }
    process.stderr.write(`log latency of a run: at most ${worst} ms over ${stamps} lines\n`);
    expect(stamps).toBe(3);
    expect(worst).toBeLessThan(1_000);
    expect((await run(server, id)).state).toBe('succeeded');
  });

  it('fails with the step that failed, its report there, the baseline unchanged', async () => {
    const before = (await server.ask(`/machines/${MAC}/baseline`)).json;
    await putFiles(server, 'failing', {
      'cijoe-task.yaml': 'doc: x\nsteps:\n- name: good\n  run: "true"\n- name: bad\n  run: echo reason; false\n',
    });
    const id = await orderRun(server, MAC, 'failing');
    const done = await runIn(server, id, 'failed');
    expect(done.error).toMatchObject({
      code: 'WORKFLOW_FAILED',
      message: 'failed: bad',
      details: { failed_steps: ['bad'], exit_code: 5 },
    });
    expect(done.report.map(({ path }: { path: string }) => path)).toContain('report.html');
    expect((await server.ask(`/machines/${MAC}/baseline`)).json).toEqual(before);
    expect((await server.ask(`/machines/${MAC}`)).json.last_known_good.baseline).toBe(before.version);
  });

  it('is stopped at its time limit, with the report of what was done', async () => {
    await putWorkflow(server, 'endless', 'echo begun\nsleep 600');
    const id = await orderRun(server, MAC, 'endless');
    const done = await runIn(server, id, 'failed', 40_000);
    expect(done.error).toMatchObject({ code: 'TIME_LIMIT', message: 'the workflow took longer than 5 s' });
    expect(done.report.map(({ path }: { path: string }) => path)).toEqual(
      expect.arrayContaining(['report.html', 'task.state', '001_commands/cmd_01.output']),
    );
  }, 60_000);

  it('is cancelled while it runs', async () => {
    const id = await orderRun(server, MAC, 'endless');
    await logged(server, id, 'begun\n');
    const answer = await server.post(`/runs/${id}/cancel`, undefined);
    expect([answer.status, answer.json.state]).toEqual([200, 'cancelled']);
    const began = Date.now();
    while ((await run(server, id)).report === null && Date.now() - began < 10_000) await sleep(50);
    expect((await run(server, id)).report).not.toBeNull();
    expect(machine.run('cat /root/.ssh/authorized_keys')).not.toContain('bty-run-');
    expect((await server.post(`/runs/${id}/cancel`, undefined)).json.state).toBe('cancelled');
  });

  it('is one at a time for a machine', async () => {
    const id = await orderRun(server, MAC, 'endless');
    const second = await server.post('/runs', { mac: MAC });
    expect([second.status, second.json.code, second.json.details.run_id]).toEqual([409, 'RUN_ACTIVE', id]);
    expect((await server.ask(`/runs/${id}`, { method: 'DELETE' })).status).toBe(409);
    await server.post(`/runs/${id}/cancel`, undefined);
  });

  it.each([
    [{ mac: '52:54:00:77:00:99' }, 404, 'NOT_FOUND'],
    [{ mac: MAC, cijoe_workflow_ref: 'nothing' }, 422, 'INVALID_REQUEST'],
    [{ mac: MAC, cijoe_workflow_ref: "a'; rm -rf /" }, 422, 'INVALID_REQUEST'],
    [{ mac: 'x'.repeat(12) }, 422, 'INVALID_REQUEST'],
  ])('is refused for %j', async (body, status, code) => {
    const answer = await server.post('/runs', body);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });

  it('is removed with its files when it is over', async () => {
    const id = await orderRun(server, MAC);
    await runIn(server, id, 'succeeded');
    expect((await server.ask(`/runs/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await server.ask(`/runs/${id}`)).status).toBe(404);
    expect((await server.ask(`/runs/${id}/log`)).status).toBe(404);
  });
});

describe('a hostile workflow', () => {
  const steps = 'doc: x\nsteps:\n- name: own\n  uses: own\n';

  it('gets at nothing of the server, and stays the failure of one run', async () => {
    const token = join(server.config.stateDir, 'secret');
    writeFileSync(token, 'geheim');
    const script = `import os, glob, socket
def reach(host, port):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False
def main(args, cijoe):
    told = str(os.environ) + ''.join(open(path, errors='replace').read() for path in glob.glob('/proc/*/environ'))
    print('environment', 'BTY_' in told, 'files', os.path.exists(${JSON.stringify(token)}))
    print('network', [reach('127.0.0.1', port) for port in (${server.port}, 5432, 6379)], reach('${machine.gateway}', 22))
    while True:
        os.fork()
`;
    await putFiles(server, 'hostile', { 'cijoe-task.yaml': steps, 'own.py': script });
    await record();
    const id = await orderRun(server, MAC, 'hostile');
    const done = await runIn(server, id, 'failed', 40_000);
    expect(['WORKFLOW_FAILED', 'LIMIT_EXCEEDED', 'TIME_LIMIT']).toContain(done.error.code);
    const log = await logOf(server, id);
    expect(log).toContain('environment False files False\n');
    expect(log).toContain('network [False, False, False] False\n');
    expect((await server.ask('/readyz')).status).toBe(200);
    await runIn(server, await orderRun(server, MAC), 'succeeded');
  }, 60_000);

  it('that prints without end is stopped', async () => {
    const script = "def main(args, cijoe):\n    while True:\n        print('x' * 4096, flush=True)\n";
    await putFiles(server, 'loud', { 'cijoe-task.yaml': steps, 'own.py': script });
    const id = await orderRun(server, MAC, 'loud');
    const done = await runIn(server, id, 'failed', 40_000);
    expect(done.error).toMatchObject({ code: 'LIMIT_EXCEEDED', message: expect.stringContaining('it printed more') });
  }, 60_000);
});

describe('a report', () => {
  it('is served so that it cannot script the site', async () => {
    const html = '<script>alert(document.cookie)</script>';
    await putFiles(server, 'script', {
      'cijoe-task.yaml': 'doc: x\nsteps:\n- name: own\n  uses: own\n',
      'own.py': `import os
def main(args, cijoe):
    folder = os.path.join(args.output, 'artifacts')
    open(os.path.join(folder, 'evil.html'), 'w').write(${JSON.stringify(html)})
    open(os.path.join(folder, 'name with "quotes" é.html'), 'w').write('x')
    open(os.path.join(folder, 'empty'), 'w').close()
    os.symlink('/etc/passwd', os.path.join(folder, 'link'))
    return 0
`,
    });
    const id = await orderRun(server, MAC, 'script');
    const done = await runIn(server, id, 'succeeded');
    const paths = done.report.map(({ path }: { path: string }) => path);
    expect(paths).not.toContain('artifacts/link');
    for (const path of [
      'artifacts/evil.html',
      'report.html',
      'artifacts/name with "quotes" é.html',
      'artifacts/empty',
    ]) {
      expect(paths).toContain(path);
      const file = await server.ask(`/runs/${id}/report/${path.split('/').map(encodeURIComponent).join('/')}`);
      expect(file.status).toBe(200);
      expect(file.headers.get('content-type')).toBe('application/octet-stream');
      expect(file.headers.get('x-content-type-options')).toBe('nosniff');
      expect(file.headers.get('content-security-policy')).toMatch(/^sandbox; default-src 'none'/);
      expect(file.headers.get('content-disposition')).toMatch(/^attachment; filename="[A-Za-z0-9._-]+"/);
    }
    expect((await server.ask(`/runs/${id}/report/artifacts/evil.html`)).text).toBe(html);
    expect((await server.ask(`/runs/${id}/report/..%2f..%2flog`)).status).toBe(404);
    expect((await server.ask(`/runs/${id}/report/report.html`, { anonymous: true })).status).toBe(401);
    const whole = await fetch(`${server.url}/runs/${id}/report`, {
      headers: { Authorization: `Bearer ${server.token}` },
    });
    const files = readArchive(Buffer.from(await whole.arrayBuffer()), { maxFiles: 99, maxBytes: 9e6 });
    expect(files.map(({ path }) => path)).toEqual(paths);
  });
});

describe('the system that answers', () => {
  afterEach(async () => {
    await record();
  });

  it('is waited for up to the deadline when nothing answers', async () => {
    await server.put(`/machines/${GHOST}`, { ssh_host: machine.gateway, cijoe_workflow_ref: 'mark' });
    const began = Date.now();
    const id = await orderRun(server, GHOST);
    const done = await runIn(server, id, 'failed');
    expect(done.error.code).toBe('SSH_UNREACHABLE');
    expect(done.error.message).toMatch(/^no answer within 3 s; last: /);
    expect(Date.now() - began).toBeGreaterThan(2_900);
    expect(done.report).toBeNull();
  });

  it('is not the machine when it has another network card', async () => {
    await server.put(`/machines/${GHOST}`, { ssh_host: machine.address, cijoe_workflow_ref: 'mark' });
    const done = await runIn(server, await orderRun(server, GHOST), 'failed');
    expect(done.error).toMatchObject({
      code: 'WRONG_MACHINE',
      message: expect.stringContaining(`it has no network card ${GHOST}`),
    });
  });

  it('is not the flashed system while it is the live env', async () => {
    const live = new SshMachine('52:54:00:77:00:03', 'initrd=base bty.mode=flash bty.token=secret');
    await live.start(key);
    try {
      await server.put(`/machines/${live.mac}`, { ssh_host: live.address, cijoe_workflow_ref: 'mark' });
      const done = await runIn(server, await orderRun(server, live.mac), 'failed');
      expect(done.error.message).toContain('it is the live env still');
      expect(JSON.stringify(done)).not.toContain('secret');
    } finally {
      await live.stop();
    }
  });

  it('is waited for while its cloud-init is at work', async () => {
    await record();
    machine.run('mkdir /run/cloud-init; echo {} >/run/cloud-init/status.json');
    const id = await orderRun(server, MAC);
    await logged(server, id, 'its cloud-init is still at work');
    machine.run('echo {} >/run/cloud-init/result.json');
    await runIn(server, id, 'succeeded');
    machine.run('rm -r /run/cloud-init');
  });

  it('is found by what it has posted after its boot, and by the table of neighbours', async () => {
    await record({ ssh_host: null });
    const setSeen = (ip: string | null) =>
      query(server.database, 'UPDATE machines SET last_seen_ip = $1, booted_ip = $2 WHERE mac = $3', [
        machine.gateway,
        ip,
        MAC,
      ]);
    await setSeen(machine.address);
    expect((await runIn(server, await orderRun(server, MAC), 'succeeded')).address).toBe(machine.address);
    // The kernel has learned where this MAC address is by talking to it just now.
    await setSeen(null);
    expect((await runIn(server, await orderRun(server, MAC), 'succeeded')).address).toBe(machine.address);
  });

  it('keeps the host keys that it showed first, and is refused with others until it is flashed again', async () => {
    const pinned = (await server.ask(`/machines/${MAC}`)).json.ssh_host_keys;
    expect(pinned.map((line: string) => line.split(' ')[0])).toEqual(
      expect.arrayContaining(['ssh-ed25519', 'ssh-rsa']),
    );
    await machine.reflash(key);
    const refused = await runIn(server, await orderRun(server, MAC), 'failed');
    expect(refused.error.code).toBe('HOST_KEY_CHANGED');
    await server.post(`/pxe/${MAC}/done`, undefined);
    expect((await server.ask(`/machines/${MAC}`)).json.ssh_host_keys).toBeNull();
    await runIn(server, await orderRun(server, MAC), 'succeeded');
    expect((await server.ask(`/machines/${MAC}`)).json.ssh_host_keys).not.toEqual(pinned);
  });

  it('can be let in again by hand', async () => {
    await machine.reflash(key);
    await forgetHostKeys();
    await runIn(server, await orderRun(server, MAC), 'succeeded');
  });

  it('must let the server in', async () => {
    await machine.reflash('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHgmQMG+mH/j1bKdSemCq5EY+91Mef6nJzmKreIiyY1j other');
    await forgetHostKeys();
    const done = await runIn(server, await orderRun(server, MAC), 'failed');
    expect(done.error.message).toContain('Permission denied (publickey');
    await machine.reflash(key);
    await forgetHostKeys();
  });

  it('is logged in to with a key of the operator’s, by its name', async () => {
    const folder = join(server.config.stateDir, 'ssh-keys');
    mkdirSync(folder, { recursive: true });
    execFileSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-N', '', '-C', 'of the image', '-f', join(folder, 'image.key')]);
    await machine.reflash(readFileSync(join(folder, 'image.key.pub'), 'utf8').trim());
    await record({ ssh_key: 'image.key' });
    await forgetHostKeys();
    const done = await runIn(server, await orderRun(server, MAC), 'succeeded');
    expect((await server.post(`/machines/${MAC}/drift`, undefined)).json.differences).toEqual([]);
    expect(await logOf(server, done.id)).not.toContain('still in authorized_keys');
    rmSync(join(folder, 'image.key'));
    const gone = await runIn(server, await orderRun(server, MAC), 'failed');
    expect(gone.error).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('"image.key"') });
    await machine.reflash(key);
    await forgetHostKeys();
  });

  it('may be logged in to by an account of which sudo makes root, and is looked at as root', async () => {
    machine.run(`set -e
      useradd --create-home --password '*' --shell /bin/bash worker
      install -d -o worker -m 700 /home/worker/.ssh
      install -o worker -m 600 /root/.ssh/authorized_keys /home/worker/.ssh/
      echo 'worker ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/worker
      rm /root/.ssh/authorized_keys`);
    await record({ ssh_user: 'worker' });
    await forgetHostKeys();
    await putWorkflow(server, 'who', 'id -un\nsudo -n id -un');
    const id = await orderRun(server, MAC, 'who');
    await runIn(server, id, 'succeeded');
    expect(await logOf(server, id)).toMatch(/^worker\n(.*\n)*root\n/m);
    const { etc } = (await server.ask(`/machines/${MAC}/baseline`)).json.facts;
    expect(etc['/etc/shadow']).toBe(machine.run('sha256sum </etc/shadow').split(' ')[0]);
    expect(machine.run('cat /home/worker/.ssh/authorized_keys')).toBe(`${key}\n`);
  });

  it('fails the run when sudo wants a password', async () => {
    machine.run('rm /etc/sudoers.d/worker');
    await record({ ssh_user: 'worker' });
    await putWorkflow(server, 'plain', 'id -un');
    const done = await runIn(server, await orderRun(server, MAC, 'plain'), 'failed');
    expect(done.error).toMatchObject({ code: 'FACTS_INCOMPLETE', message: expect.stringContaining('sudo: ') });
    await machine.reflash(key);
    await forgetHostKeys();
  });

  it.each(['10.0.0.1"\n[x]', "a' b", '-oProxyCommand=x', 'a;b', '$(x)'])('cannot be named %j', async (ssh_host) => {
    const answer = await server.put(`/machines/${MAC}`, { ssh_host });
    expect([answer.status, answer.json.fields[0].field]).toEqual([422, 'ssh_host']);
  });

  it.each([{ ssh_user: 'a b' }, { ssh_user: '-root' }, { ssh_key: '../key' }, { ssh_key: 'nothing' }])(
    'cannot be logged in to by %j',
    async (fields) => {
      const answer = await server.put(`/machines/${MAC}`, fields);
      expect([answer.status, answer.json.fields[0].field]).toEqual([422, Object.keys(fields)[0]]);
    },
  );
});

describe('after a flash in mode cijoe-online', () => {
  it('the run waits for the machine and knows the flash, however often that is said to be done', async () => {
    await record({ provisioning_mode: 'cijoe-online' });
    const { agent, jobId } = await flashByAgent(server, MAC);
    await server.post(`/pxe/${MAC}/done`, undefined);
    await server.post(`/pxe/${MAC}/done`, undefined);
    agent.cut();
    const [only, ...others] = (await runsOf(server, MAC)).filter(
      (one: { flash_job_id: string }) => one.flash_job_id === jobId,
    );
    expect(others).toEqual([]);
    await machine.reflash(key);
    const done = await runIn(server, only.id, 'succeeded');
    const image = (await server.ask('/images/debian.img/info')).json;
    expect(done).toMatchObject({
      flash_job_id: jobId,
      image: 'debian.img',
      image_sha256: image.sha256,
      requested_by: `agent:${MAC}`,
    });
    const baseline = (await server.ask(`/machines/${MAC}/baseline`)).json;
    expect(baseline).toMatchObject({
      run_id: done.id,
      image_sha256: image.sha256,
      workflow_digest: done.workflow_digest,
    });
    const kept = await server.put(`/machines/${MAC}`, { ssh_host: machine.address });
    expect(kept.json.last_known_good).toMatchObject({ baseline: baseline.version, run_id: done.id });
  });

  it('a bare signal makes one run for each start of the live env, and none without', async () => {
    await record({ provisioning_mode: 'cijoe-online' });
    const count = async () => (await runsOf(server, MAC)).length;
    const before = await count();
    await server.post(`/pxe/${MAC}/done`, undefined);
    expect(await count()).toBe(before);
    await record({ provisioning_mode: 'cijoe-online', boot_policy: 'flash' });
    await server.ask(`/pxe/${MAC}`, { anonymous: true });
    await Promise.all([1, 2, 3].map(() => server.post(`/pxe/${MAC}/done`, undefined)));
    expect(await count()).toBe(before + 1);
    const [made] = await runsOf(server, MAC);
    expect(made).toMatchObject({ requested_by: `pxe:${MAC}`, flash_job_id: null });
    await server.post(`/runs/${made.id}/cancel`, undefined);
  });

  it('an older run of the machine is given up', async () => {
    await record({ provisioning_mode: 'cijoe-online' });
    const older = await orderRun(server, MAC, 'endless');
    await runIn(server, older, 'running');
    const { agent } = await flashByAgent(server, MAC);
    agent.cut();
    expect(await run(server, older)).toMatchObject({
      state: 'cancelled',
      error: { message: 'the machine has been flashed again' },
    });
    const [newer] = await runsOf(server, MAC);
    await machine.reflash(key);
    await runIn(server, newer.id, 'succeeded');
  });

  it('is refused without a workflow', async () => {
    const answer = await server.put(`/machines/${MAC}`, { provisioning_mode: 'cijoe-online', image: 'debian.img' });
    expect([answer.status, answer.json.fields[0].field]).toEqual([422, 'cijoe_workflow_ref']);
    await record({ cijoe_workflow_ref: null });
    const job = await server.post('/flash-jobs', { mac: MAC, provisioning_mode: 'cijoe-online' });
    expect([job.status, job.json.fields[0].field]).toEqual([422, 'cijoe_workflow_ref']);
  });
});

describe('a worker that is stopped', () => {
  it('leaves a run that has begun interrupted, and one that has not to the next worker', async () => {
    await record();
    await server.put(`/machines/${GHOST}`, { ssh_host: machine.gateway, cijoe_workflow_ref: 'mark' });
    const begun = await orderRun(server, MAC, 'endless');
    await logged(server, begun, 'begun\n');
    const waiting = await orderRun(server, GHOST);
    await runIn(server, waiting, 'waiting');
    await worker.stop();
    expect(await run(server, begun)).toMatchObject({ state: 'interrupted', error: { code: 'INTERRUPTED' } });
    expect((await run(server, begun)).report).not.toBeNull();
    expect((await run(server, waiting)).state).toBe('queued');
    worker = await server.worker();
    await runIn(server, waiting, 'waiting');
    await server.post(`/runs/${waiting}/cancel`, undefined);
  });
});
