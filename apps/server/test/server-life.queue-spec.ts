import { renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent } from './fake-agent.js';
import { newMachine } from './flash-steps.js';
import { putImage } from './image-steps.js';
import { queueSettings } from './queue-settings.js';
import { ServerProcess } from './server-process.js';

const AGENTS = 50;
let stateDir: string;
let settings: Record<string, string>;
let server: ServerProcess;

beforeAll(async () => {
  stateDir = ServerProcess.newStateDir();
  settings = { ...(await queueSettings()), BTY_MAX_FLASHES: String(AGENTS) };
  server = await ServerProcess.start(stateDir, [], settings);
});

afterAll(async () => {
  await server.end('SIGTERM');
  ServerProcess.discard(stateDir);
});

describe('GET /readyz', () => {
  it('says what is missing, and 200 when nothing is', async () => {
    expect((await server.ask('/readyz')).json).toEqual({ ready: true, reasons: [] });
    renameSync(join(stateDir, 'boot/vmlinuz'), join(stateDir, 'boot/away'));
    const answer = await server.ask('/readyz');
    expect([answer.status, answer.json.reasons]).toEqual([503, [expect.stringContaining('vmlinuz')]]);
    renameSync(join(stateDir, 'boot/away'), join(stateDir, 'boot/vmlinuz'));
  });
});

describe('SIGTERM', () => {
  it('ends everything within ten seconds, with agents in mid-flash and images in preparation; all go on afterwards', async () => {
    await putImage(server, 'debian.img', Buffer.alloc(512, 1));
    const agents = await Promise.all(
      Array.from({ length: AGENTS }, async () => {
        const mac = await newMachine(server, { boot_policy: 'flash', image: 'debian.img' });
        const agent = await FakeAgent.boot(server, mac);
        return { agent, start: await agent.receive('flash.start') };
      }),
    );
    for (let count = 0; count < 10; count += 1) {
      const path = join(stateDir, `images/large-${count}.img`);
      writeFileSync(path, '');
      truncateSync(path, 4 * 1024 ** 3);
    }
    await server.ask('/images');

    const { code, ms } = await server.end('SIGTERM');
    expect([code, ms < 10_000], `after ${ms} ms: ${server.log}`).toEqual([0, true]);
    for (const { agent } of agents) expect((await agent.closed()).code).toBe(1012);
    expect(server.log).not.toMatch(/ERROR/);

    server = await ServerProcess.start(stateDir, [], settings);
    for (const { agent, start } of agents) {
      const back = await agent.reconnect(server, { current_job: { job_id: start.job_id, epoch: 1 } });
      await back.receive('session.opened');
      await back.flash(start);
    }
    const { json: jobs } = await server.ask(`/flash-jobs?state=succeeded&limit=${AGENTS}`);
    expect(jobs).toHaveLength(AGENTS);
  }, 60_000);
});
