import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FLASH_DEADLINE } from '../src/queue/index.js';
import { FakeAgent } from './fake-agent.js';
import { job, jobIn, newMachine } from './flash-steps.js';
import { putImage } from './image-steps.js';
import { openQueue } from './open-queue.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

const TIMEOUT_SECONDS = 2;
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ BTY_NO_PROGRESS_TIMEOUT: String(TIMEOUT_SECONDS) });
  await putImage(server, 'debian.img', Buffer.alloc(512, 1));
});

afterAll(() => server.stop());

describe('progress', () => {
  it('missing for too long sends the job back, and five times lets it fail', async () => {
    const mac = await newMachine(server, { boot_policy: 'flash', image: 'debian.img' });
    const agent = await FakeAgent.boot(server, mac);
    const first = await agent.receive('flash.start');
    const stop = await agent.receive('flash.cancel');
    expect(stop).toMatchObject({ job_id: first.job_id, epoch: 1, code: 'STALE_EPOCH' });
    const second = await agent.receive('flash.start');
    expect(second).toMatchObject({ job_id: first.job_id, epoch: 2 });
    // Until then the agent's desk looks once more at what has changed.
    await sleep(1_000);
    await query(server.database, 'UPDATE flash_jobs SET epoch = 5 WHERE id = $1', [first.job_id]);
    const failed = await jobIn(server, first.job_id, 'failed');
    expect(failed.error).toMatchObject({ code: 'NO_PROGRESS', message: expect.stringContaining('2 s') });
    expect(failed.history).toContainEqual(expect.objectContaining({ state: 'queued', code: 'NO_PROGRESS', epoch: 1 }));
    expect(agent.isOpen).toBe(true);
  });

  it('is bytes or a new phase: the same numbers again are none', async () => {
    const mac = await newMachine(server, { boot_policy: 'flash', image: 'debian.img' });
    const agent = await FakeAgent.boot(server, mac);
    const { job_id, epoch } = await agent.receive('flash.start');
    const say = (bytes_done: number) =>
      agent.send({ type: 'flash.progress', job_id, epoch, stage: 'writing', bytes_done, bytes_per_second: 1 });
    for (let count = 1; count <= 35; count += 1) {
      say(count);
      await sleep(100);
    }
    expect((await job(server, job_id)).epoch).toBe(1);
    const until = Date.now() + 4_000;
    while (Date.now() < until && (await job(server, job_id)).epoch === 1) {
      say(35);
      await sleep(100);
    }
    expect((await job(server, job_id)).epoch).toBe(2);
  });

  it('is not asked of a job whose machine does not come', async () => {
    const mac = await newMachine(server, { image: 'debian.img' });
    const { id } = (await server.post('/flash-jobs', { mac })).json;
    await sleep(TIMEOUT_SECONDS * 1500);
    expect((await job(server, id)).state).toBe('queued');
  });

  it('is not asked for the time in which the server was down', async () => {
    const mac = await newMachine(server, { boot_policy: 'flash', image: 'debian.img' });
    const agent = await FakeAgent.boot(server, mac);
    const { job_id } = await agent.receive('flash.start');
    await query(server.database, `UPDATE flash_jobs SET last_progress_at = now() - interval '1 hour' WHERE id = $1`, [
      job_id,
    ]);
    server = await server.restart();
    await sleep(TIMEOUT_SECONDS * 500);
    expect(await job(server, job_id)).toMatchObject({ state: 'dispatched', epoch: 1 });
    expect((await jobIn(server, job_id, 'queued')).history.at(-1)).toMatchObject({ code: 'NO_PROGRESS' });
  });
});

describe('an order of the queue', () => {
  it('that is forged, or names a job that is none, is dropped', async () => {
    const { queue, close } = await openQueue(server, FLASH_DEADLINE);
    const mac = await newMachine(server, { boot_policy: 'flash', image: 'debian.img' });
    const agent = await FakeAgent.boot(server, mac);
    const { job_id } = await agent.receive('flash.start');
    const forged = [null, 7, 'x', {}, { jobId: 7 }, { jobId: 'x' }, { jobId: [job_id] }, { jobId: { $ne: null } }];
    for (const data of [...forged, { jobId: '3f2b8c1e-8f0a-4b57-9d0b-3a8a3d1a5e11' }]) await queue.add('look', data);
    expect(await agent.receive('flash.cancel')).toMatchObject({ job_id, epoch: 1, code: 'STALE_EPOCH' });
    // the order that made the server look is only then taken away
    await expect.poll(() => queue.getJobCountByTypes('wait', 'active', 'failed', 'completed')).toBe(0);
    await server.post(`/flash-jobs/${job_id}/cancel`, undefined);
    await close();
  });

  it('that comes many times, to two servers, stops a job once', async () => {
    const twin = await server.twin();
    const { queue, close } = await openQueue(server, FLASH_DEADLINE);
    const mac = await newMachine(server, { boot_policy: 'flash', image: 'debian.img' });
    // A server counts no time against a job in which it was not up.
    await sleep(TIMEOUT_SECONDS * 1000);
    const { job_id } = await (await FakeAgent.boot(server, mac)).receive('flash.start');
    const past = `UPDATE flash_jobs SET last_progress_at = now() - interval '1 hour', epoch = 5 WHERE id = $1`;
    await query(server.database, past, [job_id]);
    await Promise.all(Array.from({ length: 20 }, () => queue.add('look', { jobId: job_id })));
    await jobIn(server, job_id, 'failed');
    const events: { action: string }[] = (await server.ask(`/events?subject=flash-job/${job_id}`)).json;
    expect(events.filter(({ action }) => action === 'flash-job.failed')).toHaveLength(1);
    await close();
    await twin.stop();
  });
});
