import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ArchiveFile, readArchive, writeArchive } from '@bty/archive';
import { PROTOCOL_LIMITS } from '@bty/wire-types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent } from './fake-agent.js';
import { job, jobIn, newMachine } from './flash-steps.js';
import { putImage } from './image-steps.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';
import { filesOf, putWorkflow } from './workflow-steps.js';

const RECORD = { image: 'debian.img', provisioning_mode: 'cijoe', cijoe_workflow_ref: 'edit', hostname: 'node-1' };
const LIMITS = { maxFiles: 100, maxBytes: 1 << 20 };
let server: TestServer;
let worker: { stop(): Promise<void> };
let digest: string;

beforeAll(async () => {
  server = await TestServer.start();
  worker = await server.worker();
  await putImage(server, 'debian.img', Buffer.alloc(512, 1));
  digest = await putWorkflow(server, 'edit', 'echo x > $BTY_ROOTFS/etc/motd', {
    'cijoe-config.toml': '[mine]\nword = "x"\n[cijoe.transport.far]\nhostname = "example"\n',
  });
});

afterAll(async () => {
  await worker.stop();
  await server.stop();
});

interface Handed {
  mac: string;
  id: string;
  agent: FakeAgent;
  order: Awaited<ReturnType<typeof start>>;
}

const start = (agent: FakeAgent) => agent.receive('flash.start');

/** A machine whose agent has a job that runs a workflow. */
async function handedOut(fields: Record<string, unknown> = RECORD): Promise<Handed> {
  const mac = await newMachine(server, fields);
  const { id } = (await server.post('/flash-jobs', { mac })).json;
  const agent = await FakeAgent.boot(server, mac);
  return { mac, id, agent, order: await start(agent) };
}

async function asAgent(agent: FakeAgent, path: string, body?: Buffer) {
  const headers = { Authorization: `Bearer ${agent.session}` };
  const answer = await fetch(`${server.url}${path}`, { headers, ...(body && { method: 'PUT', body }) });
  return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
}

function reportOf(texts: Record<string, string>): Buffer {
  return writeArchive(filesOf(texts)).bytes;
}

const textsOf = (files: ArchiveFile[]) => Object.fromEntries(files.map(({ path, content }) => [path, `${content}`]));

describe('a record or a job with mode cijoe', () => {
  it.each([
    [{ ...RECORD, cijoe_workflow_ref: null }],
    [{ ...RECORD, cijoe_workflow_ref: 'unknown' }],
    [{ ...RECORD, cijoe_workflow_ref: `edit@${'0'.repeat(64)}` }],
  ])('is refused as %j, naming the workflow', async (record) => {
    const answer = await server.put('/machines/52:54:00:00:00:78', record);
    expect([answer.status, answer.json.fields]).toEqual([
      422,
      [expect.objectContaining({ field: 'cijoe_workflow_ref' })],
    ]);
  });

  it('is refused as a job without a workflow, naming it', async () => {
    const mac = await newMachine(server, { image: 'debian.img' });
    const answer = await server.post('/flash-jobs', { mac, provisioning_mode: 'cijoe' });
    expect([answer.status, answer.json.fields?.[0].field]).toEqual([422, 'cijoe_workflow_ref']);
  });

  it('keeps the version that it was made with', async () => {
    const mac = await newMachine(server, RECORD);
    const made = (await server.post('/flash-jobs', { mac })).json;
    expect(made).toMatchObject({ provisioning_mode: 'cijoe', workflow: 'edit', workflow_digest: digest, report: null });
  });
});

describe('the boot script of a machine', () => {
  const named = (text: string) => [...text.matchAll(/^initrd --name (\w+)/gm)].map(([, name]) => name);

  it('loads the layer for workflows for a job with mode cijoe, and for no other', async () => {
    const layer = join(server.config.bootDir, 'cijoe.initrd');
    writeFileSync(layer, 'layer');
    const mac = await newMachine(server, { ...RECORD, boot_policy: 'flash' });
    const script = (await server.ask(`/pxe/${mac}`, { anonymous: true })).text;
    expect(named(script)).toEqual(['base', 'cijoe']);
    expect(script).toContain(' initrd=base initrd=cijoe ');
    await server.post('/flash-jobs', { mac, provisioning_mode: 'none' });
    expect(named((await server.ask(`/pxe/${mac}`, { anonymous: true })).text)).toEqual(['base']);
    rmSync(layer);
    const other = await newMachine(server, { ...RECORD, boot_policy: 'flash' });
    expect(named((await server.ask(`/pxe/${other}`, { anonymous: true })).text)).toEqual(['base']);
  });
});

describe('the agent of a job with mode cijoe', () => {
  it('is told the version, the configuration with the facts of its machine, and the time limit', async () => {
    const { mac, id, agent, order } = await handedOut();
    expect(order).toMatchObject({ provisioning_mode: 'cijoe' });
    expect(order.workflow).toMatchObject({
      ...{ name: 'edit', path: `/flash-jobs/${id}/workflow`, digest, main_file: 'cijoe-task.yaml' },
      time_limit_seconds: 1800,
    });
    expect(order.workflow?.config).toContain('word = "x"');
    expect(order.workflow?.config).toContain(`mac = "${mac}"`);
    expect(order.workflow?.config).toContain('hostname = "node-1"');
    expect(order.workflow?.config).not.toContain('transport');
    agent.cut();
  });

  it('gets the files with its session, and nobody else does', async () => {
    const { id, agent, order } = await handedOut();
    const { status, bytes } = await asAgent(agent, `/flash-jobs/${id}/workflow`);
    expect([status, bytes.length]).toEqual([200, order.workflow?.size_bytes]);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest);
    expect(readArchive(bytes, LIMITS).map(({ path }) => path)).toEqual(['cijoe-config.toml', 'cijoe-task.yaml']);
    const other = await handedOut();
    expect((await asAgent(other.agent, `/flash-jobs/${id}/workflow`)).status).toBe(404);
    expect((await server.ask(`/flash-jobs/${id}/workflow`)).status).toBe(401);
    expect((await server.ask(`/flash-jobs/${id}/workflow`, { anonymous: true })).status).toBe(401);
    for (const path of [`/flash-jobs/${id}`, '/machines', `/flash-jobs/${id}/report`]) {
      expect((await asAgent(agent, path)).status).toBe(401);
    }
    agent.cut();
    other.agent.cut();
  });

  it('streams what the workflow prints into the log of the job', async () => {
    const { id, agent, order } = await handedOut();
    const ref = { job_id: id, epoch: order.epoch };
    const response = await fetch(`${server.url}/flash-jobs/${id}/log?follow=true`, {
      headers: { Authorization: `Bearer ${server.token}` },
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    await agent.report({ type: 'flash.log', ...ref, part: 0, text: 'first\n' });
    let text = '';
    while (!text.includes('first')) text += (await reader?.read())?.value ?? '';
    expect(text).toBe('== attempt 1 ==\nfirst\n');
    await agent.report({ type: 'flash.log', ...ref, part: 1, text: 'second\n' });
    const error = { code: 'WORKFLOW_FAILED', message: 'failed: two' };
    await agent.report({ type: 'flash.log', ...ref, part: PROTOCOL_LIMITS.maxOutputParts, text: 'own log\n' });
    await agent.report({ type: 'flash.finished', ...ref, outcome: 'failed', error });
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) text += part.value;
    expect(text).toBe('== attempt 1 ==\nfirst\nsecond\nown log\n\n');
    expect(await job(server, id)).toMatchObject({ state: 'failed', error });
    agent.cut();
  });

  it('stays in its time as long as it says that it goes on, whatever its numbers', async () => {
    const { id, agent, order } = await handedOut();
    const ref = { job_id: id, epoch: order.epoch };
    await agent.report({ type: 'flash.stage', ...ref, stage: 'provisioning' });
    const progress = { type: 'flash.progress', ...ref, stage: 'provisioning', bytes_done: 0, bytes_per_second: 0 };
    const moved = async () => {
      agent.send(progress);
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      const [row] = await query(server.database, `SELECT last_progress_at AS at FROM flash_jobs WHERE id = '${id}'`);
      return (row as { at: Date }).at.getTime();
    };
    const first = await moved();
    expect(await moved()).toBeGreaterThan(first);
    agent.cut();
  });

  it('is not handed a workflow whose files are gone: the job fails', async () => {
    const gone = await putWorkflow(server, 'gone', 'true');
    rmSync(join(server.config.stateDir, 'workflows', `${gone}.tar`));
    const mac = await newMachine(server, { ...RECORD, cijoe_workflow_ref: 'gone' });
    const { id } = (await server.post('/flash-jobs', { mac })).json;
    const agent = await FakeAgent.boot(server, mac);
    const failed = await jobIn(server, id, 'failed');
    expect(failed.error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining(gone) });
    agent.cut();
  });
});

describe('the report of a workflow', () => {
  const FILES = {
    'report.html': '<script>alert(1)</script>',
    'task.state': 'steps: []\n',
    '001_a/cmd_01.output': 'x\n',
  };

  it('is stored by the agent and given to whoever has a token, so that it cannot script this site', async () => {
    const { id, agent, order } = await handedOut();
    const archive = reportOf(FILES);
    expect((await asAgent(agent, `/flash-jobs/${id}/report?epoch=${order.epoch}`, archive)).status).toBe(204);
    expect((await job(server, id)).report).toEqual([
      { path: '001_a/cmd_01.output', size_bytes: 2 },
      { path: 'report.html', size_bytes: FILES['report.html'].length },
      { path: 'task.state', size_bytes: FILES['task.state'].length },
    ]);
    const whole = await fetch(`${server.url}/flash-jobs/${id}/report`, {
      headers: { Authorization: `Bearer ${server.token}` },
    });
    expect(whole.headers.get('content-disposition')).toContain(`flash-job-${id}.tar`);
    expect(textsOf(readArchive(Buffer.from(await whole.arrayBuffer()), LIMITS))).toEqual(FILES);
    const html = await server.ask(`/flash-jobs/${id}/report/report.html`);
    expect(html.text).toBe(FILES['report.html']);
    expect(html.headers.get('content-security-policy')).toMatch(/^sandbox; default-src 'none'/);
    expect(html.headers.get('content-disposition')).toContain('attachment');
    expect((await server.ask(`/flash-jobs/${id}/report/001_a/cmd_01.output`)).text).toBe('x\n');
    expect((await server.ask(`/flash-jobs/${id}/report/../../../etc/passwd`)).status).toBe(404);
    expect((await server.ask(`/flash-jobs/${id}/report/report.html`, { anonymous: true })).status).toBe(401);
    agent.cut();
  });

  it('is taken after the job was cancelled, and not of an attempt that is not the present one', async () => {
    const { id, agent, order } = await handedOut();
    await server.post(`/flash-jobs/${id}/cancel`, {});
    const put = (epoch: number | string) =>
      asAgent(agent, `/flash-jobs/${id}/report?epoch=${epoch}`, reportOf({ 'task.state': '' }));
    expect((await put(order.epoch)).status).toBe(204);
    expect((await put(order.epoch + 1)).status).toBe(409);
    expect((await put('x')).status).toBe(422);
    expect((await job(server, id)).report).toHaveLength(1);
    agent.cut();
  });

  it('is kept for the newest twenty jobs of a machine, with their logs', async () => {
    const { mac, id, agent, order } = await handedOut();
    const stale = `SELECT gen_random_uuid() AS id, created_at - n * interval '1 minute' AS created_at, n`;
    await query(
      server.database,
      `INSERT INTO flash_jobs SELECT (jsonb_populate_record(job, to_jsonb(older) || '{"state": "failed", "report": []}')).*
       FROM flash_jobs job, LATERAL (${stale} FROM generate_series(1, 21) n) older WHERE job.id = '${id}'`,
    );
    await query(server.database, `INSERT INTO flash_logs SELECT id, 1, 0, 'x' FROM flash_jobs WHERE mac = '${mac}'`);
    const archive = reportOf({ 'task.state': '' });
    expect((await asAgent(agent, `/flash-jobs/${id}/report?epoch=${order.epoch}`, archive)).status).toBe(204);
    const kept = await query(server.database, `SELECT id FROM flash_jobs WHERE mac = '${mac}' AND report IS NOT NULL`);
    const logs = await query(
      server.database,
      `SELECT job_id FROM flash_logs WHERE job_id IN (SELECT id FROM flash_jobs WHERE mac = '${mac}')`,
    );
    expect([kept.length, logs.length]).toEqual([20, 20]);
    expect((await job(server, id)).report).toHaveLength(1);
    agent.cut();
  });

  it.each<[string, Buffer, number]>([
    ['no archive', Buffer.from('neither this nor that'), 422],
    ['more than is taken', Buffer.alloc(PROTOCOL_LIMITS.maxReportBytes * 2), 413],
  ])('is refused as %s', async (_name, body, status) => {
    const { id, agent, order } = await handedOut();
    expect((await asAgent(agent, `/flash-jobs/${id}/report?epoch=${order.epoch}`, body)).status).toBe(status);
    expect((await server.ask(`/flash-jobs/${id}/report`)).status).toBe(404);
    agent.cut();
  });
});
