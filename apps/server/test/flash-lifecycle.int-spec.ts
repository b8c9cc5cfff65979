import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent, resultOf } from './fake-agent.js';
import { TestServer } from './test-server.js';

const IMAGE = Buffer.alloc(4096, 'image');
let server: TestServer;
let next = 0;

function newMac(): string {
  next += 1;
  return `52:54:00:aa:00:${next.toString(16).padStart(2, '0')}`;
}

async function job(id: string) {
  return (await server.ask(`/flash-jobs/${id}`)).json;
}

beforeAll(async () => {
  server = await TestServer.start();
  expect((await server.put('/images/debian.img', IMAGE)).status).toBe(201);
});

afterAll(() => server.stop());

describe('boot policy flash', () => {
  it('flashes the machine from its first contact to its first boot, and again at the next', async () => {
    const mac = newMac();
    await server.put(`/machines/${mac}`, { boot_policy: 'flash', image: 'debian.img' });
    const agent = await FakeAgent.boot(server, mac);
    const start = await agent.receive('flash.start');
    expect(start).toMatchObject({
      epoch: 1,
      image: { name: 'debian.img', path: '/images/debian.img', format: 'img', content_size_bytes: 4096 },
      verify: 'full',
      provisioning_mode: 'none',
    });
    expect(start).not.toHaveProperty('target_hint');
    expect((await server.ask(`/machines/${mac}`)).json).toMatchObject({
      agent_connected: true,
      active_flash_job: { id: start.job_id, state: 'dispatched' },
      inventory: { firmware: 'bios' },
    });
    await agent.flash(start);
    const record = (await server.ask(`/machines/${mac}`)).json;
    expect(record).toMatchObject({
      boot_policy: 'flash',
      active_flash_job: null,
      last_flash_job: { id: start.job_id, state: 'succeeded', error: null },
    });
    expect(Date.now() - Date.parse(record.last_flashed_at)).toBeLessThan(10_000);
    const done = await job(start.job_id);
    expect(done).toMatchObject({ state: 'succeeded', requested_by: 'policy', result: resultOf(start) });
    expect(done.history.map((entry: { state: string; stage: string | null }) => entry.stage ?? entry.state)).toEqual([
      'queued',
      'dispatched',
      'preparing',
      'writing',
      'flushing',
      'verifying',
      'committing',
      'succeeded',
    ]);

    const before = (await server.ask(`/pxe/${mac}`, { anonymous: true })).text;
    expect(before).toContain('bty.mode=flash');
    await agent.report({ type: 'agent.rebooting', job_id: start.job_id, epoch: 1 });
    for (let contact = 0; contact < 3; contact += 1) {
      const script = (await server.ask(`/pxe/${mac}`, { anonymous: true })).text;
      expect(script).toContain('first boot after a flash');
      expect(script).toContain('sanboot');
    }
  });
});
