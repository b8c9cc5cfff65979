import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent } from '../../apps/server/test/fake-agent.ts';
import { jobIn, newMachine } from '../../apps/server/test/flash-steps.ts';
import { Bench, type Flash } from './bench.ts';
import { StubbornAgent } from './stubborn-agent.ts';

const RECONCILE_MS = 30_000;
let bench: Bench;

afterAll(() => bench.stop());

function stubborn(flash: Flash): StubbornAgent {
  return new StubbornAgent(flash, () => bench.server);
}

async function stateOf(flash: Flash): Promise<{ state: string; epoch: number }> {
  return (await bench.server.ask(`/flash-jobs/${flash.ref.job_id}`)).json;
}

describe('a server that is killed with -9 in mid-flash', () => {
  beforeAll(async () => {
    bench = await Bench.start('in Redis');
  });

  it('before an order is stored: nobody was told that it was taken, and it can be given again', async () => {
    const mac = await newMachine(bench.server, { image: 'debian.img', boot_policy: 'tui' });
    const agent = await FakeAgent.boot(bench.server, mac);
    const lock = await bench.lockJobs();
    const answer = bench.server.post('/flash-jobs', { mac }).catch(() => 'no answer');
    await lock.blocks();
    await bench.killServer();
    await lock.release();
    expect(await answer).toBe('no answer');
    await agent.closed();
    const { id } = await bench.order(mac);
    const flash = await bench.given(await agent.reconnect(bench.server));
    expect(flash.ref).toEqual({ job_id: id, epoch: 1 });
    await stubborn(flash).finish(0);
    await bench.judge();
  });

  it('before a hand-out is stored: the job is handed out after the start, as its first attempt', async () => {
    const { mac, id } = await bench.order();
    const lock = await bench.lockJobs();
    const agent = await FakeAgent.boot(bench.server, mac);
    await lock.blocks();
    await bench.killServer();
    await lock.release();
    await agent.closed();
    const flash = await bench.given(await agent.reconnect(bench.server));
    expect(flash.ref).toEqual({ job_id: id, epoch: 1 });
    await stubborn(flash).finish(0);
    await bench.judge();
  });

  it('after a hand-out that the agent never heard of: it gets the job again, as the next attempt', async () => {
    const { mac, id } = await bench.order();
    const lock = await bench.lockJobs();
    const agent = await FakeAgent.boot(bench.server, mac);
    await lock.blocks();
    agent.hear(false);
    await lock.release();
    await jobIn(bench.server, id, 'dispatched');
    await bench.killServer();
    agent.cut();
    const flash = await bench.given(await agent.reconnect(bench.server));
    expect(flash.ref).toEqual({ job_id: id, epoch: 2 });
    await stubborn(flash).finish(0);
    await bench.judge();
  });

  it('between the commit grant and the result: the agent is granted again, and finishes', async () => {
    const flash = await bench.flash();
    const agent = stubborn(flash);
    await agent.commit();
    await bench.killServer();
    await agent.commit();
    await agent.succeed();
    expect(await stateOf(flash)).toMatchObject({ state: 'succeeded', epoch: 1 });
    await bench.judge();
  });

  it('while the result is being stored: it counts when it comes again', async () => {
    const flash = await bench.flash();
    const agent = stubborn(flash);
    await agent.commit();
    const lock = await bench.lockJobs();
    const success = agent.succeed();
    await lock.blocks();
    await bench.killServer();
    await lock.release();
    await success;
    expect(await stateOf(flash)).toMatchObject({ state: 'succeeded', epoch: 1 });
    await bench.judge();
  });

  it('after the result, before the acknowledgement: it counts once, and the machine boots its disk', async () => {
    const flash = await bench.flash();
    const agent = stubborn(flash);
    await agent.commit();
    flash.agent.hear(false);
    const success = agent.succeed();
    await jobIn(bench.server, flash.ref.job_id, 'succeeded');
    await bench.killServer();
    flash.agent.cut();
    await success;
    await agent.report({ type: 'agent.rebooting', ...flash.ref });
    const script = await bench.server.ask(`/pxe/${flash.agent.mac}`, { anonymous: true });
    expect(script.text).toContain('first boot after a flash');
    await bench.judge();
  });

  it('again and again, with ten machines being flashed: all are flashed by their first attempt', async () => {
    const flashes = await Promise.all(Array.from({ length: 10 }, () => bench.flash()));
    const ends = Promise.all(flashes.map((flash) => stubborn(flash).finish(3_000)));
    for (let count = 0; count < 2; count += 1) await bench.killServer();
    await ends;
    for (const flash of flashes) expect(await stateOf(flash)).toMatchObject({ state: 'succeeded', epoch: 1 });
    await bench.judge();
  });

  it('before it has armed a deadline: a silent attempt is given back after the start, once', async () => {
    bench.redis.pause();
    const silent = await bench.flash();
    await bench.killServer();
    bench.redis.resume();
    await bench.givenBack(silent, RECONCILE_MS);
    await bench.judge();
  });
});
