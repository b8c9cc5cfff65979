import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { isAlive, ServerProcess } from './server-process.js';

const RECOVERY_MS = 10_000;
let stateDir: string;
let server: ServerProcess;

async function until(holds: () => Promise<boolean> | boolean, ms: number): Promise<number> {
  const began = Date.now();
  while (!(await holds())) {
    if (Date.now() - began > ms) throw new Error(`not within ${ms} ms`);
    await sleep(20);
  }
  return Date.now() - began;
}

beforeAll(async () => {
  stateDir = ServerProcess.newStateDir();
  server = await ServerProcess.start(stateDir);
});

afterAll(async () => {
  await server.end('SIGTERM');
  ServerProcess.discard(stateDir);
});

describe('the first start', () => {
  it('shows the admin token once, and keeps it for its owner alone', () => {
    expect(server.log).toContain(`new admin token: ${server.token}\n`);
    expect(statSync(join(stateDir, 'admin-token')).mode & 0o777).toBe(0o600);
  });

  it('leaves Postgres to an account that is not root, in a directory of its own', () => {
    const { uid, mode } = statSync(join(stateDir, 'postgres'));
    expect(mode & 0o777).toBe(0o700);
    expect(uid).toBe(process.getuid?.() === 0 ? 65_534 : process.getuid?.());
    const status = readFileSync(`/proc/${server.postgresPid}/status`, 'utf8');
    expect(status).toMatch(new RegExp(`^Uid:\\t${uid}\\t${uid}\\t`, 'm'));
  });

  it('is ready', async () => {
    expect((await server.ask('/readyz')).status).toBe(200);
  });
});

describe('a second server on the same state directory', () => {
  it('refuses to start and leaves the first alone', async () => {
    const second = await ServerProcess.start(stateDir, ['--second']);
    expect(await second.exited()).toBe(1);
    expect(second.log).toContain('another bty server uses');
    expect((await server.ask('/machines')).status).toBe(200);
  });
});

describe('Postgres that dies', () => {
  it('is started again; until then every answer is 503, and a machine that boots is not sent away', async () => {
    const pid = server.postgresPid;
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid), 2_000);
    const statuses = new Set<number>();
    const recovery = await until(async () => {
      const answers = await Promise.all([
        server.ask('/machines'),
        server.ask('/pxe/52:54:00:00:00:01'),
        server.ask('/images'),
      ]);
      for (const answer of answers) {
        statuses.add(answer.status);
        if (answer.status === 503) expect(answer.headers.get('retry-after')).toBe('2');
      }
      expect((await server.ask('/healthz')).status).toBe(200);
      return answers.every(({ status }) => status === 200);
    }, RECOVERY_MS);
    expect(recovery).toBeLessThan(RECOVERY_MS);
    expect([...statuses].sort()).toEqual([200, 503]);
    expect(server.postgresPid).not.toBe(pid);
  });

  it('is worked with as before: requests, and the queue', async () => {
    writeFileSync(join(stateDir, 'images/after.img'), Buffer.alloc(512, 1));
    await until(async () => {
      const images: { name: string; state: string }[] = (await server.ask('/images')).json;
      return images.some(({ name, state }) => name === 'after.img' && state === 'ready');
    }, RECOVERY_MS);
    expect((await server.ask('/readyz')).status).toBe(200);
  });
});

describe('Postgres that hangs', () => {
  it('costs seconds, not for ever: 503, and then all is well', async () => {
    const pid = server.postgresPid;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
    for (const each of [pid, ...children]) process.kill(each, 'SIGSTOP');
    try {
      const answers = await Promise.all(['/machines', '/pxe/52:54:00:00:00:01'].map((path) => server.ask(path)));
      expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    } finally {
      for (const each of [...children, pid]) process.kill(each, 'SIGCONT');
    }
    await until(async () => (await server.ask('/machines')).status === 200, RECOVERY_MS);
  });
});

describe('SIGKILL', () => {
  it('leaves no Postgres behind, and the next start is clean', async () => {
    await server.put('/machines/52:54:00:00:00:77', {});
    const pid = server.postgresPid;
    const { token } = server;
    await server.end('SIGKILL');
    server = await ServerProcess.start(stateDir);
    expect(isAlive(pid)).toBe(false);
    expect(server.token).toBe(token);
    expect(server.log).not.toContain(token);
    expect((await server.ask('/machines/52:54:00:00:00:77')).status).toBe(200);
    expect(server.log).not.toMatch(/error/i);
  });
});

describe('SIGTERM', () => {
  it('ends everything within ten seconds, with downloads, uploads and sockets open', async () => {
    await server.put('/images/large.img', Buffer.alloc(32 * 1024 * 1024, 1));
    const { port, token } = server;
    const download = connect(port, '127.0.0.1');
    download.write('GET /images/large.img HTTP/1.1\r\nHost: x\r\n\r\n');
    download.once('data', () => download.pause());
    const upload = connect(port, '127.0.0.1');
    upload.write(
      `PUT /images/half.img HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: 1048576\r\n\r\nhalf`,
    );
    const idle = connect(port, '127.0.0.1');
    const agent = new WebSocket(`ws://127.0.0.1:${port}/agent`, 'bty-agent.v1');
    await new Promise((resolve) => agent.once('open', resolve));
    for (const socket of [download, upload, idle]) socket.on('error', () => undefined);
    const closed = new Promise<number>((resolve) => agent.once('close', resolve));
    await until(() => readdirSync(join(stateDir, 'images')).some((name) => name.endsWith('.upload')), 2_000);
    const pid = server.postgresPid;

    const { code, ms } = await server.end('SIGTERM');
    expect([code, isAlive(pid)]).toEqual([0, false]);
    expect(ms).toBeLessThan(10_000);
    expect(await closed).toBe(1012);
    for (const socket of [download, upload, idle]) socket.destroy();
    server = await ServerProcess.start(stateDir);
    expect(readdirSync(join(stateDir, 'images')).filter((name) => /half|upload/.test(name))).toEqual([]);
  });
});

describe('--new-admin-token', () => {
  it('makes another token, shows it, and revokes the old one', async () => {
    const old = server.token;
    await server.end('SIGTERM');
    const once = await ServerProcess.start(stateDir, ['--new-admin-token']);
    expect(await once.exited()).toBe(0);
    server = await ServerProcess.start(stateDir);
    expect(server.token).not.toBe(old);
    expect(once.log).toContain(`new admin token: ${server.token}`);
    expect((await server.ask('/machines')).status).toBe(200);
    const refused = await server.ask('/machines', { headers: { Authorization: `Bearer ${old}` } });
    expect(refused.status).toBe(401);
  });
});
