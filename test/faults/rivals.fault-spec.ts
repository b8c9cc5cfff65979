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
  it('never both make the disk bootable: one is dismissed, whenever the other comes', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const first = await bench.flash();
        const one = new StubbornAgent(first, () => bench.server).finish(0).then(
          () => 'first',
          (error: unknown) => error,
        );
        // From before the commit to after the result.
        await sleep(index * 8);
        const rival = await FakeAgent.boot(bench.server, first.agent.mac);
        const second = await bench.given(rival);
        await new StubbornAgent(second, () => bench.server).finish(0);
        expect(await stateOf(second)).toMatchObject({ state: 'succeeded', epoch: second.ref.epoch });
        return { sameJob: second.ref.job_id === first.ref.job_id, first: await one };
      }),
    );
    for (const { sameJob, first } of outcomes) {
      // When the first was done already, the second has a job of its own: the policy flashes on every boot.
      if (sameJob) expect(first).toBeInstanceOf(Dismissed);
      else expect(first).toBe('first');
    }
    await bench.judge();
  });
});
