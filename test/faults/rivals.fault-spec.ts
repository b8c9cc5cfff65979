import { setTimeout as sleep } from 'node:timers/promises';
import { CLOSE_CODES } from '@bty/wire-types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent } from '../../apps/server/test/fake-agent.ts';
import { Bench, type Flash } from './bench.ts';
import { Dismissed, StubbornAgent } from './stubborn-agent.ts';

const GIVE_BACK_MS = 10_000;
let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start('in Postgres');
});

afterAll(() => bench.stop());

async function stateOf(flash: Flash): Promise<{ state: string; epoch: number }> {
  return (await bench.server.ask(`/flash-jobs/${flash.ref.job_id}`)).json;
}

function grants(agent: FakeAgent): number {
  return agent.received.filter(({ type }) => type === 'commit.grant').length;
}

describe('an agent that is paused past its deadline', () => {
  it('is refused the commit when it goes on, while the same agent has the job as its next attempt', async () => {
    const old = await bench.flash();
    old.agent.hear(false);
    await bench.isGivenBack(old, GIVE_BACK_MS);
    old.agent.send({ type: 'commit.request', ...old.ref });
    old.agent.hear(true);
    expect(await old.agent.receive('commit.refuse')).toMatchObject({ ...old.ref, code: 'STALE_EPOCH' });
    const next = await bench.given(old.agent);
    expect(next.ref.epoch).toBe(2);
    await new StubbornAgent(next, () => bench.server).finish(0);
    expect(grants(old.agent)).toBe(0);
    await bench.judge();
  });

  it('is dismissed when it goes on, while another agent of the machine makes the disk bootable', async () => {
    const old = await bench.flash();
    old.agent.hear(false);
    await bench.isGivenBack(old, GIVE_BACK_MS);
    const next = await bench.given(await FakeAgent.boot(bench.server, old.agent.mac));
    expect(next.ref.epoch).toBeGreaterThan(old.ref.epoch);
    const writer = new StubbornAgent(next, () => bench.server);
    await writer.commit();

    old.agent.send({ type: 'commit.request', ...old.ref });
    old.agent.hear(true);
    expect((await old.agent.closed()).code).toBe(CLOSE_CODES.SUPERSEDED);
    expect(grants(old.agent)).toBe(0);
    const back = await old.agent.reconnect(bench.server, { current_job: old.ref });
    back.send({ type: 'commit.request', ...old.ref });
    expect((await back.closed()).code).toBe(CLOSE_CODES.UNAUTHENTICATED);
    expect(grants(back)).toBe(0);
    await writer.succeed();
    expect(await stateOf(next)).toMatchObject({ state: 'succeeded', epoch: next.ref.epoch });
    await bench.judge();
  });
});

describe('two agents of one machine at once', () => {
  it('never both make the disk bootable by one job, whenever the second comes', async () => {
    const pairs = Array.from({ length: 10 }, async (_, index) => {
      const first = await bench.flash();
      const end = new StubbornAgent(first, () => bench.server).finish(0).catch((error: unknown) => error);
      // From before the commit to after the result.
      await sleep(index * 8);
      const second = await bench.given(await FakeAgent.boot(bench.server, first.agent.mac));
      await new StubbornAgent(second, () => bench.server).finish(0);
      expect(await stateOf(second)).toMatchObject({ state: 'succeeded', epoch: second.ref.epoch });
      if (second.ref.job_id === first.ref.job_id) expect(await end).toBeInstanceOf(Dismissed);
      // The first was done already: the policy flashes on every boot.
      else expect(await stateOf(first)).toMatchObject({ state: 'succeeded', epoch: 1 });
    });
    await Promise.all(pairs);
    await bench.judge();
  });

  it('flash one after the other, when the second comes while the result of the first is being stored', async () => {
    const first = await bench.flash();
    const agent = new StubbornAgent(first, () => bench.server);
    await agent.commit();
    const lock = await bench.lockJobs(first.ref.job_id);
    const end = agent.succeed().catch((error: unknown) => error);
    await lock.blocks();
    const rival = await FakeAgent.boot(bench.server, first.agent.mac);
    await lock.blocks(2);
    await lock.release();
    await end;
    const second = await bench.given(rival);
    expect(second.ref.job_id).not.toBe(first.ref.job_id);
    expect(await stateOf(first)).toMatchObject({ state: 'succeeded', epoch: 1 });
    await new StubbornAgent(second, () => bench.server).finish(0);
    await bench.judge();
  });
});
