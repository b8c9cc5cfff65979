import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent, resultOf } from './fake-agent.js';
import { job, jobIn, newMachine } from './flash-steps.js';
import { putImage } from './image-steps.js';
import { TestServer } from './test-server.js';

let server: TestServer;
let twin: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ BTY_MAX_FLASHES: '2' });
  twin = await server.twin();
  await putImage(server, 'debian.img', Buffer.alloc(512, 1));
});

afterAll(async () => {
  await twin.stop();
  await server.stop();
});

interface Booted {
  readonly agent: FakeAgent;
  readonly id: string;
}

async function bootWithJob(at: TestServer): Promise<Booted> {
  const mac = await newMachine(server, { image: 'debian.img' });
  const { id } = (await server.post('/flash-jobs', { mac })).json;
  return { agent: await FakeAgent.boot(at, mac), id };
}

/** The flash has fetched all that it needs. */
async function leaveTheNetwork({ agent, id }: Booted): Promise<void> {
  await agent.report({ type: 'flash.stage', job_id: id, epoch: 1, stage: 'flushing' });
}

async function finish({ agent, id }: Booted, start: Parameters<typeof resultOf>[0]): Promise<void> {
  await agent.report({ type: 'flash.finished', job_id: id, epoch: 1, outcome: 'succeeded', result: resultOf(start) });
  agent.cut();
}

describe('with room for two flashes at once', () => {
  it('lets the third and fourth wait, tells them, and takes them in the order in which they came', async () => {
    const [first, second] = [await bootWithJob(server), await bootWithJob(twin)];
    const starts = [await first.agent.receive('flash.start'), await second.agent.receive('flash.start')];
    const third = await bootWithJob(twin);
    expect(await third.agent.receive('flash.wait')).toMatchObject({ job_id: third.id, ahead: 0 });
    const fourth = await bootWithJob(server);
    expect(await fourth.agent.receive('flash.wait')).toMatchObject({ job_id: fourth.id, ahead: 1 });
    const waiting = await job(server, third.id);
    expect([waiting.state, waiting.waiting_since]).toEqual(['queued', expect.any(String)]);
    await sleep(2_500);
    expect((await job(server, third.id)).state).toBe('queued');

    await leaveTheNetwork(first);
    const started = await third.agent.receive('flash.start');
    expect((await job(server, third.id)).waiting_since).toBeNull();
    expect((await job(server, fourth.id)).state).toBe('queued');
    await finish(second, starts[1] as typeof started);
    const last = await fourth.agent.receive('flash.start');
    await finish(third, started);
    await finish(fourth, last);
    await finish(first, starts[0] as typeof started);
  });

  it('does not let an agent that has gone hold up the others', async () => {
    const busy = [await bootWithJob(server), await bootWithJob(server)];
    for (const { agent } of busy) await agent.receive('flash.start');
    const gone = await bootWithJob(server);
    await gone.agent.receive('flash.wait');
    gone.agent.cut();
    const patient = await bootWithJob(twin);
    await patient.agent.receive('flash.wait');
    await leaveTheNetwork(busy[0] as Booted);
    await jobIn(server, patient.id, 'dispatched').catch(() => undefined);
    await sleep(6_000);
    expect((await job(server, patient.id)).state).toBe('dispatched');
    expect((await job(server, gone.id)).state).toBe('queued');
    for (const { id } of [...busy, patient, gone]) await server.post(`/flash-jobs/${id}/cancel`, undefined);
    for (const { agent } of [...busy, patient]) agent.cut();
  }, 40_000);

  it('keeps their places when the server is started again', async () => {
    let third = await server.twin();
    const busy = [await bootWithJob(server), await bootWithJob(server)];
    for (const { agent } of busy) await agent.receive('flash.start');
    const early = await bootWithJob(third);
    await early.agent.receive('flash.wait');
    await third.stop();
    const late = await bootWithJob(server);
    await late.agent.receive('flash.wait');
    third = await server.twin();
    const back = await early.agent.reconnect(third);
    expect(await back.receive('flash.wait')).toMatchObject({ ahead: 0 });
    await leaveTheNetwork(busy[0] as Booted);
    await back.receive('flash.start');
    expect((await job(server, late.id)).state).toBe('queued');
    for (const { id } of [...busy, early, late]) await server.post(`/flash-jobs/${id}/cancel`, undefined);
    for (const agent of [...busy.map((one) => one.agent), back, late.agent]) agent.cut();
    await third.stop();
  }, 40_000);
});
