import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { newToken } from './account-steps.js';
import { FakeAgent } from './fake-agent.js';
import { FrontServer } from './front-server.js';
import { putImage } from './image-steps.js';
import { TestServer } from './test-server.js';

const ROOT = join(import.meta.dirname, '../../..');
const BUNDLE = join(ROOT, 'dist/agent-bundle/agent.mjs');
const PASSWORD = 'correct horse battery staple';
const MACS = ['52:54:00:cc:00:01', '52:54:00:cc:00:02'] as const;

let server: TestServer;
let folder: string;

beforeAll(async () => {
  server = await TestServer.start();
  await putImage(server, 'debian.img', Buffer.alloc(4096, 1));
  for (const [index, mac] of MACS.entries()) {
    const record = { image: 'debian.img', hostname: `box-${index + 1}`, tags: ['rack-1'] };
    expect((await server.put(`/machines/${mac}`, record)).status).toBe(201);
  }
  expect((await server.post('/users', { username: 'anna', password: PASSWORD, role: 'operator' })).status).toBe(201);
});

afterAll(() => server.stop());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bty-remote-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program of the pipeline's side, without blocking the server of this test. */
async function run(program: string, args: readonly string[], env: Record<string, string>, input = ''): Promise<Ended> {
  const child = spawn(program, args, { cwd: folder, env: { PATH: '/usr/bin:/bin', HOME: folder, ...env } });
  const ended: Ended = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (text: Buffer) => {
    ended.stdout += text.toString();
  });
  child.stderr.on('data', (text: Buffer) => {
    ended.stderr += text.toString();
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  ended.code = await new Promise((resolve) => child.on('close', resolve));
  return ended;
}

const byToken = () => ({ BTY_SERVER: server.url, BTY_API_TOKEN: server.token });
const bty = (args: readonly string[], env: Record<string, string> = byToken(), input?: string): Promise<Ended> =>
  run(process.execPath, [BUNDLE, ...args], env, input);

/** Boots a machine once there is a job for it, and carries that out. */
async function carryOut(mac: string): Promise<void> {
  const agent = await bootedWithJob(mac);
  await agent.flash(await agent.receive('flash.start'));
}

async function bootedWithJob(mac: string): Promise<FakeAgent> {
  for (let tries = 0; tries < 200; tries += 1) {
    const { json } = await server.ask(`/machines/${mac}`);
    if (json.active_flash_job !== null) return FakeAgent.boot(server, mac);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nobody ordered a flash of ${mac}`);
}

describe('bty login', () => {
  it('keeps what proves the user, for the user alone, until bty logout', async () => {
    const login = await bty(['login', '--server', server.url, '--user', 'anna'], {}, `${PASSWORD}\n`);
    expect([login.code, login.stderr]).toEqual([0, expect.stringContaining('logged in as user:anna (operator)')]);
    const path = join(folder, '.config/bty/login.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const listed = await bty(['machines', '--tag', 'rack-1'], {});
    expect([listed.code, listed.stdout]).toEqual([
      0,
      expect.stringMatching(/^52:54:00:cc:00:01 {2}box-1 .* debian\.img {2}rack-1$/m),
    ]);
    const { token } = JSON.parse(readFileSync(path, 'utf8')) as { token: string };
    expect((await bty(['logout'], {})).code).toBe(0);
    expect((await bty(['machines'], {})).stderr).toContain('bty login');
    expect((await bty(['machines'], { BTY_SERVER: server.url, BTY_API_TOKEN: token })).code).toBe(1);
  });

  it('tells a wrong password, and a server that is not there', async () => {
    const wrong = await bty(['login', '--server', server.url, '--user', 'anna'], {}, 'no\n');
    expect(wrong.code).toBe(1);
    const away = await bty(['machines', '--server', 'http://127.0.0.1:9'], { BTY_API_TOKEN: 'x' });
    expect([away.code, away.stderr]).toEqual([1, expect.stringContaining('http://127.0.0.1:9 does not answer')]);
  });
});

describe('bty reflash', () => {
  it('returns 0 when every machine with a tag is flashed and verified', async () => {
    const ordered = bty(['reflash', 'tag=rack-1', '--image', 'debian.img', '--wait', '--json']);
    await Promise.all(MACS.map(carryOut));
    const ended = await ordered;
    const { jobs } = JSON.parse(ended.stdout) as { jobs: { mac: string; state: string }[] };
    expect([ended.code, jobs.map(({ mac, state }) => [mac, state])]).toEqual([
      0,
      MACS.map((mac) => [mac, 'succeeded']),
    ]);
    const listed = await bty(['jobs', '--mac', MACS[0]]);
    expect(listed.stdout).toMatch(/52:54:00:cc:00:01 {2}debian\.img {2}succeeded {2}verify full/);
  });

  it('waits by one request that the server answers at the end, also by one after its restart', async () => {
    const token = await newToken(server, { name: 'pipeline', role: 'ci' });
    const front = await FrontServer.start(() => server.port);
    const waits = () => front.asked.filter((one) => /^GET \/flash-jobs\/[0-9a-f-]+\?wait=\d+$/.test(one)).length;
    const waited = async (count: number): Promise<void> => {
      while (waits() < count) await sleep(20);
    };
    try {
      const ordered = bty(['reflash', 'box-2', '--wait'], { BTY_SERVER: front.url, BTY_API_TOKEN: token });
      const agent = await bootedWithJob(MACS[1]);
      await agent.receive('flash.start');
      await waited(1);
      await sleep(3000);
      expect(front.asked.filter((one) => one.includes('/flash-jobs'))).toHaveLength(2);
      server = await server.restart();
      const again = await agent.reconnect(server);
      await again.flash(await again.receive('flash.start'));
      const endedMs = performance.now();
      expect(await ordered).toMatchObject({ code: 0, stderr: expect.stringContaining('succeeded') });
      expect(performance.now() - endedMs).toBeLessThan(5000);
    } finally {
      await front.close();
    }
  });

  it('returns 1 when a flash fails, with its reason', async () => {
    const ordered = bty(['reflash', 'box-1', '--wait']);
    const agent = await bootedWithJob(MACS[0]);
    const { job_id, epoch } = await agent.receive('flash.start');
    await agent.report({
      type: 'flash.finished',
      job_id,
      epoch,
      outcome: 'failed',
      error: { code: 'DISK_IO', message: 'sector 7 cannot be written', details: {} },
    });
    const ended = await ordered;
    expect([ended.code, ended.stderr]).toEqual([
      1,
      expect.stringContaining('failed  DISK_IO: sector 7 cannot be written'),
    ]);
  });

  it('orders what can be ordered of many, tells who is busy, and returns 1', async () => {
    const { id } = (await server.post('/flash-jobs', { mac: MACS[0] })).json;
    const some = await bty(['reflash', 'tag=rack-1', '--json']);
    const { jobs, refused } = JSON.parse(some.stdout) as {
      jobs: { mac: string; id: string }[];
      refused: object[];
    };
    expect([some.code, jobs.map(({ mac }) => mac), refused]).toMatchObject([
      1,
      MACS.slice(1),
      [{ mac: MACS[0], code: 'JOB_ACTIVE', details: { job_id: id } }],
    ]);
    const none = await bty(['reflash', 'tag=rack-1']);
    expect([none.code, none.stderr.match(/not ordered {2}JOB_ACTIVE/g)?.length]).toEqual([1, MACS.length]);
    for (const active of [id, ...jobs.map((job) => job.id)]) {
      expect((await server.post(`/flash-jobs/${active}/cancel`, undefined)).status).toBe(200);
    }
  });

  it('tells what the server refuses, and a machine that is not there', async () => {
    const refused = await bty(['reflash', MACS[0], '--image', 'no.img', '--json']);
    expect([refused.code === 0, JSON.parse(refused.stdout)]).toMatchObject([false, { command: 'reflash', error: {} }]);
    expect((await bty(['reflash', 'box-77'])).code).toBe(2);
    expect((await bty(['reflash', 'tag='])).code).toBe(2);
    expect((await bty(['reflash', MACS[0]], { BTY_SERVER: server.url, BTY_API_TOKEN: 'wrong' })).code).toBe(1);
  });
});

describe('bty images push', () => {
  it('sends a file, waits until it can be flashed, and replaces one only when it is told to', async () => {
    const path = join(folder, 'pushed.img');
    writeFileSync(path, Buffer.alloc(3 << 20, 7));
    const first = await bty(['images', 'push', path, '--wait', '--json']);
    expect([first.code, JSON.parse(first.stdout)]).toMatchObject([
      0,
      { command: 'images-push', image: { name: 'pushed.img' } },
    ]);
    writeFileSync(path, Buffer.alloc(2 << 20, 8));
    expect((await bty(['images', 'push', path])).code).toBe(1);
    const replaced = await bty(['images', 'push', path, '--replace', '--wait']);
    expect([replaced.code, replaced.stdout]).toEqual([0, 'pushed.img  2.1 MB  ready\n']);
    expect((await bty(['images', 'push', join(folder, 'none.img')])).code).toBe(2);
  });
});

describe('docs/ci.md', () => {
  const page = readFileSync(join(ROOT, 'docs/ci.md'), 'utf8');
  const example = (title: string): string =>
    new RegExp(`## ${title}\\n\\n\`\`\`(?:sh|yaml)\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? '';

  it('shows a shell script that works with a token of the role ci', async () => {
    const script = example('Any shell');
    expect(script).toContain('bty reflash box-7');
    writeFileSync(join(folder, 'nightly.img'), Buffer.alloc(1 << 20, 9));
    writeFileSync(join(folder, 'token'), `${await newToken(server, { name: 'nightly', role: 'ci' })}\n`);
    writeFileSync(join(folder, 'bty'), `#!/bin/sh\nexec '${process.execPath}' '${BUNDLE}' "$@"\n`);
    chmodSync(join(folder, 'bty'), 0o755);
    const here = script
      .replace('https://bty.lab.example', server.url)
      .replace('/run/secrets/bty-token', join(folder, 'token'))
      .replace('box-7', 'box-2');
    const ordered = run('/bin/sh', ['-c', here], { PATH: `${folder}:${dirname('/usr/bin/sh')}:/bin` });
    await carryOut(MACS[1]);
    expect(await ordered).toMatchObject({ code: 0, stderr: expect.stringContaining('succeeded') });
  });

  it('calls bty from the pipelines as from the shell', () => {
    const calls = example('Any shell').match(/^bty .*$/gm);
    const github = parse(example('GitHub Actions')).jobs['on-metal'];
    const gitlab = parse(example('GitLab'))['on-metal'];
    expect(
      github.steps.flatMap(({ run: line = '' }: { run?: string }) => (line.startsWith('bty ') ? [line] : [])),
    ).toEqual(calls);
    expect(gitlab.script.filter((line: string) => line.startsWith('bty '))).toEqual(calls);
    expect([github.env.BTY_SERVER, gitlab.variables.BTY_SERVER]).toEqual(Array(2).fill('https://bty.lab.example'));
  });
});
