import { afterAll, beforeAll, expect, it } from 'vitest';
import { FakeAgent, resultOf } from './fake-agent.js';
import { newMachine } from './flash-steps.js';
import { putImage } from './image-steps.js';
import { TestServer } from './test-server.js';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  await putImage(server, 'debian.img', Buffer.alloc(512, 1));
});

afterAll(() => server.stop());

async function figures(): Promise<ReadonlyMap<string, number>> {
  const { text, status, headers } = await server.ask('/metrics');
  expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

it('is refused without a token', async () => {
  expect((await server.ask('/metrics', { anonymous: true })).status).toBe(401);
});

it('counts flashes by their end, seconds by phase, bytes by kind, failures by reason', async () => {
  for (const outcome of ['succeeded', 'failed'] as const) {
    const mac = await newMachine(server, { image: 'debian.img' });
    await server.post('/flash-jobs', { mac });
    const agent = await FakeAgent.boot(server, mac);
    const start = await agent.receive('flash.start');
    expect((await figures()).get('bty_agents_connected')).toBe(1);
    expect((await figures()).get('bty_flash_jobs_active{state="dispatched"}')).toBe(1);
    const end = outcome === 'failed' ? { error: { code: 'DISK_IO', message: 'LBA 7' } } : { result: resultOf(start) };
    await agent.report({ type: 'flash.finished', job_id: start.job_id, epoch: start.epoch, outcome, ...end });
    agent.cut();
    for (let tries = 0; tries < 50 && (await figures()).get('bty_agents_connected') !== 0; tries += 1);
  }
  const told = await figures();
  expect(told.get('bty_flash_jobs_ended_total{state="succeeded"}')).toBe(1);
  expect(told.get('bty_flash_jobs_ended_total{state="failed"}')).toBe(1);
  expect(told.get('bty_flash_failures_total{code="DISK_IO"}')).toBe(1);
  expect(told.get('bty_flash_bytes_total{kind="written"}')).toBe(512);
  expect(told.get('bty_flash_bytes_total{kind="skipped"}')).toBe(0);
  expect(told.get('bty_flash_stage_seconds_count{stage="writing"}')).toBe(1);
  expect(told.get('bty_flash_stage_seconds_sum{stage="writing"}')).toBe(1);
  expect(told.get('bty_flash_jobs_active{state="dispatched"}')).toBe(0);
});

it('tells what is in the queues, and how the process is', async () => {
  const told = await figures();
  for (const queue of ['flash-deadline', 'image-prepare', 'webhook']) {
    for (const state of ['wait', 'active', 'delayed']) {
      expect(told.get(`bty_queue_jobs{queue="${queue}",state="${state}"}`)).toBeGreaterThanOrEqual(0);
    }
  }
  expect(told.get('process_resident_memory_bytes')).toBeGreaterThan(0);
  expect(told.has('nodejs_eventloop_lag_p99_seconds')).toBe(true);
  expect(told.get('bty_event_readers')).toBe(0);
});
