import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLOSE_CODES } from '@bty/wire-types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent, resultOf } from './fake-agent.js';
import { job, jobIn, newMachine } from './flash-steps.js';
import { putImage } from './image-steps.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

const IMAGE = Buffer.alloc(4096, 'image');
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
let server: TestServer;

async function script(mac: string): Promise<string> {
  return (await server.ask(`/pxe/${mac}`, { anonymous: true })).text;
}

beforeAll(async () => {
  server = await TestServer.start();
  await putImage(server, 'debian.img', IMAGE);
});

afterAll(() => server.stop());

describe('boot policy flash', () => {
  it('flashes the machine from its first contact to its first boot, and again at the next', async () => {
    const mac = await newMachine(server, { boot_policy: 'flash', image: 'debian.img' });
    const agent = await FakeAgent.boot(server, mac);
    const start = await agent.receive('flash.start');
    expect(start).toMatchObject({
      epoch: 1,
      image: { name: 'debian.img', format: 'img', content_size_bytes: 4096 },
      verify: 'full',
      provisioning_mode: 'none',
    });
    expect(start.image).toMatchObject({
      content_sha256: sha256(IMAGE),
      map: { path: `/maps/${start.image.map.blake3}` },
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
    const done = await job(server, start.job_id);
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

    expect(await script(mac)).toContain('bty.mode=flash');
    await agent.report({ type: 'agent.rebooting', job_id: start.job_id, epoch: 1 });
    for (let contact = 0; contact < 3; contact += 1) {
      expect(await script(mac)).toMatch(/first boot after a flash[\s\S]*\nsanboot/);
    }
    await query(server.database, `UPDATE machines SET first_boot_until = now() WHERE mac = $1`, [mac]);
    expect(await script(mac)).toContain('bty.mode=flash');
    const again = await (await FakeAgent.boot(server, mac)).receive('flash.start');
    expect(again.job_id).not.toBe(start.job_id);
  });

  it('makes no job for a machine whose agent comes back with a session', async () => {
    const mac = await newMachine(server, { boot_policy: 'tui', image: 'debian.img' });
    const agent = await FakeAgent.boot(server, mac);
    await server.put(`/machines/${mac}`, { boot_policy: 'flash', image: 'debian.img' });
    agent.cut();
    const back = await agent.reconnect(server);
    await back.receive('session.opened');
    expect((await server.ask(`/flash-jobs?mac=${mac}`)).json).toEqual([]);
  });

  it('shows in the record why its image cannot be flashed, and stays in the live env', async () => {
    const path = join(server.config.imageRoot, 'lost.img');
    await putImage(server, 'lost.img', Buffer.alloc(512, 3));
    const mac = await newMachine(server, { boot_policy: 'flash', image: 'lost.img' });
    rmSync(path);
    await server.ask('/images');
    const agent = await FakeAgent.boot(server, mac);
    let record = (await server.ask(`/machines/${mac}`)).json;
    for (let tries = 0; tries < 50 && record.last_flash_job === null; tries += 1) {
      await sleep(20);
      record = (await server.ask(`/machines/${mac}`)).json;
    }
    expect(record.last_flash_job).toMatchObject({
      state: 'failed',
      error: { code: 'IMAGE_UNAVAILABLE', message: expect.stringContaining('lost.img') },
    });
    expect(agent.isOpen).toBe(true);
    expect(agent.received).toEqual([]);

    await putImage(server, 'lost.img', Buffer.alloc(512, 3));
    const retry = await server.post('/flash-jobs', { mac });
    expect((await agent.receive('flash.start')).job_id).toBe(retry.json.id);
  });

  it('waits for an image that is being prepared', async () => {
    const mac = await newMachine(server, { boot_policy: 'flash', image: 'debian.img' });
    await query(server.database, `UPDATE images SET state = 'preparing' WHERE name = 'debian.img'`);
    const agent = await FakeAgent.boot(server, mac);
    await query(server.database, `UPDATE images SET state = 'ready' WHERE name = 'debian.img'`);
    await agent.receive('flash.start');
  });
});

describe('a queued job', () => {
  it('is done by an agent that waits at the console, at once', async () => {
    const mac = await newMachine(server, { boot_policy: 'tui' });
    const agent = await FakeAgent.boot(server, mac);
    const made = await server.post('/flash-jobs', { mac, image: 'debian.img', target_hint: { serial: 'DISK-1' } });
    const start = await agent.receive('flash.start');
    expect(start).toMatchObject({ job_id: made.json.id, epoch: 1, target_hint: { serial: 'DISK-1' } });
    await agent.flash(start);
    expect(await job(server, start.job_id)).toMatchObject({ state: 'succeeded', requested_by: 'token:admin' });
    await agent.report({ type: 'agent.rebooting', job_id: start.job_id, epoch: 1 });
    expect(await script(mac)).toContain('first boot after a flash');
  });

  it('closes the window of the first boot', async () => {
    const mac = await newMachine(server, { boot_policy: 'local', image: 'debian.img' });
    await server.post('/flash-jobs', { mac });
    const agent = await FakeAgent.boot(server, mac);
    const start = await agent.receive('flash.start');
    await agent.flash(start);
    await agent.report({ type: 'agent.rebooting', job_id: start.job_id, epoch: 1 });
    const second = (await server.post('/flash-jobs', { mac })).json;
    expect(await script(mac)).toContain(`flash job ${second.id}`);
    await server.post(`/flash-jobs/${second.id}/cancel`, undefined);
    expect(await script(mac)).toContain('boot policy local');
  });

  it('fails with the reason when its image has other bytes, or none, by the time it is handed out', async () => {
    for (const [file, code] of [
      [Buffer.alloc(512, 9), 'IMAGE_CHANGED'],
      [undefined, 'IMAGE_UNAVAILABLE'],
    ] as const) {
      const name = `${code.toLowerCase()}.img`;
      await putImage(server, name, Buffer.alloc(512, 8));
      const mac = await newMachine(server, { image: name });
      const { id } = (await server.post('/flash-jobs', { mac })).json;
      const path = join(server.config.imageRoot, name);
      rmSync(path);
      if (file !== undefined) writeFileSync(path, file);
      await server.ask('/images');
      await FakeAgent.boot(server, mac);
      expect((await jobIn(server, id, 'failed')).error.code).toBe(code);
      expect((await server.ask(`/machines/${mac}`)).json.last_flash_job.error.code).toBe(code);
    }
  });
});

describe('a check', () => {
  it('is nothing that an agent may commit or report as a flash', async () => {
    for (const message of [
      { type: 'commit.request' },
      { type: 'flash.finished', seq: 1, outcome: 'failed', error: { code: 'DISK_IO', message: 'x' } },
    ]) {
      const mac = await newMachine(server, { image: 'debian.img' });
      const { id } = (await server.post('/flash-jobs', { mac, kind: 'check' })).json;
      const agent = await FakeAgent.boot(server, mac);
      const { job_id, epoch } = await agent.receive('check.start');
      agent.send({ ...message, job_id, epoch });
      expect((await agent.closed()).code).toBe(CLOSE_CODES.BAD_FRAME);
      expect((await job(server, id)).state).toBe('dispatched');
    }
  });

  it('leaves what is known of the last flash as it was', async () => {
    const mac = await newMachine(server, { image: 'debian.img', provisioning_mode: 'none' });
    const flash = (await server.post('/flash-jobs', { mac })).json;
    const agent = await FakeAgent.boot(server, mac);
    await agent.flash(await agent.receive('flash.start'));
    const before = (await server.ask(`/machines/${mac}`)).json;
    await server.post('/flash-jobs', { mac, kind: 'check' });
    const start = await agent.receive('check.start');
    expect(start.last_target).toMatchObject({ serial: 'DISK-1' });
    const { job_id, epoch } = start;
    const error = { code: 'DISK_IO', message: 'x' };
    await agent.report({ type: 'check.finished', job_id, epoch, outcome: 'failed', error });
    const after = (await server.ask(`/machines/${mac}`)).json;
    expect(after.last_flash_job).toEqual({ ...before.last_flash_job, id: flash.id, kind: 'flash', state: 'succeeded' });
    expect(after.last_flashed_at).toBe(before.last_flashed_at);
    await server.post('/flash-jobs', { mac });
    expect((await agent.receive('flash.start')).last_target).toMatchObject({ serial: 'DISK-1' });
  });
});

describe('progress', () => {
  it('shows phase, bytes, speed and what is left', async () => {
    const mac = await newMachine(server, { boot_policy: 'flash', image: 'debian.img' });
    const agent = await FakeAgent.boot(server, mac);
    const { job_id, epoch } = await agent.receive('flash.start');
    await agent.report({ type: 'flash.stage', job_id, epoch, seq: 1, stage: 'writing' });
    const numbers = { bytes_done: 1000, bytes_total: 4000, bytes_per_second: 100 };
    agent.send({ type: 'flash.progress', job_id, epoch, stage: 'writing', ...numbers });
    let shown = await job(server, job_id);
    for (let tries = 0; tries < 40 && shown.progress === null; tries += 1) {
      await sleep(50);
      shown = await job(server, job_id);
    }
    expect(shown).toMatchObject({ state: 'running', stage: 'writing' });
    expect(shown.progress).toMatchObject({ stage: 'writing', ...numbers, eta_seconds: 30 });
  });
});

describe('cancelling', () => {
  it('stops the agent', async () => {
    const mac = await newMachine(server, { boot_policy: 'flash', image: 'debian.img' });
    const agent = await FakeAgent.boot(server, mac);
    const { job_id, epoch } = await agent.receive('flash.start');
    expect((await server.post(`/flash-jobs/${job_id}/cancel`, undefined)).status).toBe(200);
    expect(await agent.receive('flash.cancel')).toMatchObject({ job_id, epoch, code: 'CANCELLED' });
    agent.send({ type: 'commit.request', job_id, epoch });
    expect(await agent.receive('commit.refuse')).toMatchObject({ job_id, epoch, code: 'CANCELLED' });
    await agent.report({
      type: 'flash.finished',
      job_id,
      epoch,
      outcome: 'failed',
      error: { code: 'CANCELLED', message: 'x' },
    });
    expect((await job(server, job_id)).state).toBe('cancelled');
  });

  it('is too late once the disk is being made bootable', async () => {
    const mac = await newMachine(server, { boot_policy: 'flash', image: 'debian.img' });
    const agent = await FakeAgent.boot(server, mac);
    const start = await agent.receive('flash.start');
    const { job_id, epoch } = start;
    agent.send({ type: 'commit.request', job_id, epoch });
    await agent.receive('commit.grant');
    const refused = await server.post(`/flash-jobs/${job_id}/cancel`, undefined);
    expect([refused.status, refused.json.code]).toEqual([409, 'CONFLICT']);
    await agent.report({ type: 'flash.finished', job_id, epoch, outcome: 'succeeded', result: resultOf(start) });
    expect((await server.post(`/flash-jobs/${job_id}/cancel`, undefined)).status).toBe(409);
  });
});

describe('a failed flash', () => {
  it('keeps its reason and log, leaves the agent connected, and takes a retry', async () => {
    const mac = await newMachine(server, { boot_policy: 'flash', image: 'debian.img' });
    const agent = await FakeAgent.boot(server, mac);
    const { job_id, epoch } = await agent.receive('flash.start');
    const error = { code: 'TARGET_NONE', message: 'no disk\0 may be written', details: { 'disks\0': ['\ud800'] } };
    await agent.report({ type: 'flash.log', job_id, epoch, part: 0, text: 'line 1\n' });
    await agent.report({ type: 'flash.log', job_id, epoch, part: 1, text: 'line\0 2\n' });
    await agent.report({ type: 'flash.finished', job_id, epoch, outcome: 'failed', error });
    expect(await job(server, job_id)).toMatchObject({
      state: 'failed',
      error: { code: 'TARGET_NONE', message: 'no disk\ufffd may be written', details: { 'disks\ufffd': ['\ufffd'] } },
    });
    expect((await server.ask(`/flash-jobs/${job_id}/log`)).text).toBe('== attempt 1 ==\nline 1\nline\ufffd 2\n\n');
    expect((await server.ask(`/machines/${mac}`)).json.last_flashed_at).toBeNull();
    expect(agent.isOpen).toBe(true);
    const retry = (await server.post('/flash-jobs', { mac })).json;
    expect((await agent.receive('flash.start')).job_id).toBe(retry.id);
  });
});
