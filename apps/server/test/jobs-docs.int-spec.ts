import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent } from './fake-agent.js';
import { putImage } from './image-steps.js';
import { TestServer } from './test-server.js';

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/jobs-and-events.md'), 'utf8');
const ONE = '52:54:00:00:00:01';
const BUSY = '52:54:00:00:00:02';
const RACK = ['52:54:00:00:00:03', '52:54:00:00:00:04'];

let server: TestServer;
let ciToken: string;
const folder = mkdtempSync(join(tmpdir(), 'bty-api-docs-'));
const agents: FakeAgent[] = [];

/** The shell lines of the page, with the heading that they stand under. */
const scripts = PAGE.split(/^## /m).flatMap((section) =>
  [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(
    (match) => [section.split('\n')[0] ?? '', match[1] ?? ''] as const,
  ),
);

/** Does every flash that it is given. */
async function workingAgent(mac: string): Promise<void> {
  const agent = await FakeAgent.boot(server, mac);
  agents.push(agent);
  void (async () => {
    for (;;) await agent.flash(await agent.receive('flash.start'));
  })().catch(() => undefined);
}

beforeAll(async () => {
  server = await TestServer.start();
  await putImage(server, 'debian.img', Buffer.alloc(512, 1));
  for (const mac of [ONE, BUSY, ...RACK]) {
    const tags = RACK.includes(mac) ? ['rack-3', 'nvme'] : [];
    await server.put(`/machines/${mac}`, { boot_policy: 'tui', tags });
  }
  await server.post('/flash-jobs', { mac: BUSY, image: 'debian.img' });
  const made = await server.post('/tokens', { name: 'pipeline', role: 'ci' });
  expect(made.status).toBe(201);
  ciToken = made.json.token;
});

afterAll(async () => {
  for (const agent of agents) agent.cut();
  await server.stop();
  rmSync(folder, { recursive: true });
});

describe('docs/jobs-and-events.md', () => {
  it('has lines to run', () => {
    expect(scripts.length).toBeGreaterThanOrEqual(6);
  });

  it.each(scripts)('%s: its lines do what they say', async (heading, lines) => {
    if (heading.startsWith('Flash a')) await workingAgent(ONE);
    if (heading.startsWith('Flash several')) for (const mac of RACK) await workingAgent(mac);
    const env = {
      PATH: process.env['PATH'],
      BTY_SERVER: server.url,
      BTY_TOKEN: ciToken,
      BTY_ADMIN_TOKEN: server.token,
      BUILD_ID: '17',
    };
    const shell = spawn('sh', ['-euc', lines], { cwd: folder, env });
    let output = '';
    for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (part: Buffer) => (output += part.toString()));
    const [code] = (await once(shell, 'close')) as [number | null];
    expect([code, output]).toEqual([0, expect.anything()]);
  });
});
