import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newMachine } from '../../apps/server/test/flash-steps.ts';
import { eventually } from '../lab/process.ts';
import { Bench, NO_PROGRESS_TIMEOUT_S } from './bench.ts';
import { StubbornAgent } from './stubborn-agent.ts';

const RECOVERY_MS = 10_000;
/** Longer than a flash may be without progress: the outage must not be held against it. */
const PAUSE_MS = NO_PROGRESS_TIMEOUT_S * 1000 + 3_000;
/** What a request may take while Postgres hangs: its connection and its query have seconds each. */
const ANSWER_MS = 10_000;
let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start('in Postgres');
});

afterAll(() => bench.stop());

/** All processes of Postgres, the first one first. */
function processes(): number[] {
  const pid = bench.server.postgresPid;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  return [pid, ...children];
}

const FAULTS: readonly (readonly [string, () => Promise<void>])[] = [
  ['is restarted at once', async () => void process.kill(bench.server.postgresPid, 'SIGQUIT')],
  ['is killed', async () => void process.kill(bench.server.postgresPid, 'SIGKILL')],
  [
    'loses the process of every connection',
    async () => {
      for (const pid of processes().slice(1)) process.kill(pid, 'SIGTERM');
    },
  ],
  ['hangs for longer than a flash may be without progress', hang],
];

async function hang(): Promise<void> {
  const all = processes();
  for (const pid of all) process.kill(pid, 'SIGSTOP');
  await sleep(PAUSE_MS);
  for (const pid of all.toReversed()) process.kill(pid, 'SIGCONT');
}

/** Orders a flash as a pipeline does: under one key, again and again until it is taken. Tells all answers. */
async function insist(mac: string): Promise<number[]> {
  const statuses: number[] = [];
  await eventually('the order is taken', RECOVERY_MS + PAUSE_MS, async () => {
    const began = Date.now();
    const answer = await bench.server.post('/flash-jobs', { mac }, { 'Idempotency-Key': mac });
    expect(Date.now() - began).toBeLessThan(ANSWER_MS);
    statuses.push(answer.status);
    if (answer.status === 503) return false;
    bench.promise(answer.json.id);
    return true;
  });
  return statuses;
}

describe('Postgres in mid-flash', () => {
  it.each(FAULTS)(
    '%s: every flash ends well, in the attempt that it was in, and no order is lost',
    async (_name, hit) => {
      const flashes = await Promise.all(Array.from({ length: 5 }, () => bench.flash()));
      const agents = flashes.map((flash) => new StubbornAgent(flash, () => bench.server));
      await agents[0]?.commit();
      const ends = [
        sleep(500).then(() => agents[0]?.succeed()),
        sleep(500).then(() => agents[1]?.finish(0)),
        ...agents.slice(2).map((agent) => agent.finish(2_500)),
      ];
      const macs = await Promise.all(
        Array.from({ length: 5 }, () => newMachine(bench.server, { image: 'debian.img' })),
      );
      const hitting = hit();
      const answers = await Promise.all(macs.map((mac, index) => sleep(300 * index).then(() => insist(mac))));
      await hitting;
      const began = Date.now();
      await eventually(
        'the server is ready',
        RECOVERY_MS,
        async () => (await bench.server.ask('/readyz')).status === 200,
      );
      expect(Date.now() - began).toBeLessThan(RECOVERY_MS);
      await Promise.all(ends);
      for (const statuses of answers) expect([200, 201]).toContain(statuses.at(-1));
      for (const { ref } of flashes) {
        const job = (await bench.server.ask(`/flash-jobs/${ref.job_id}`)).json;
        expect(job).toMatchObject({ state: 'succeeded', epoch: 1 });
      }
      await bench.judge();
    },
  );

  it('hangs, and an agent needs seconds to come back afterwards: the outage is not held against it', async () => {
    const flash = await bench.flash();
    flash.agent.cut();
    await hang();
    await eventually(
      'the server is ready',
      RECOVERY_MS,
      async () => (await bench.server.ask('/readyz')).status === 200,
    );
    await sleep((NO_PROGRESS_TIMEOUT_S * 1000) / 2);
    await new StubbornAgent(flash, () => bench.server).finish(0);
    const job = (await bench.server.ask(`/flash-jobs/${flash.ref.job_id}`)).json;
    expect(job).toMatchObject({ state: 'succeeded', epoch: 1 });
    await bench.judge();
  });
});

describe('Postgres while an image is prepared', () => {
  it('loses the connection that stores the result: the image is prepared again', async () => {
    bench.drop('nightly.img', randomBytes(32 * 2 ** 20));
    await eventually('the image is known', RECOVERY_MS, async () => {
      await bench.server.ask('/images');
      return (await bench.server.ask('/images/nightly.img/info')).status === 200;
    });
    const lock = await bench.lockImages();
    await lock.blocks();
    await sleep(2_000);
    for (const pid of processes().slice(1)) process.kill(pid, 'SIGTERM');
    await lock.release();
    await bench.prepared('nightly.img', 2 * RECOVERY_MS);
  });
});
