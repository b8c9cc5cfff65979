import { createHash, randomUUID } from 'node:crypto';
import { writeArchive } from '@bty/archive';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCESS_TABLE } from './access-table.js';
import { logIn, newToken } from './account-steps.js';
import { FakeAgent } from './fake-agent.js';
import { newMachine } from './flash-steps.js';
import { imageIn, putImage } from './image-steps.js';
import { orderRun } from './run-steps.js';
import type { Answer } from './server-under-test.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';
import { filesOf, putWorkflow } from './workflow-steps.js';

/** What is shown to be on record once a change was made: `before` and `after` have at least these fields. */
interface Recorded {
  readonly answer: Answer;
  readonly subject: string;
  readonly action: string;
  readonly actor?: string;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
}

/** Routes that only ask by a method of changes. */
const QUESTIONS = ['POST /machines/{mac}/target'];
/** Needs a system that answers over SSH: baselines.workflow-spec.ts shows its events. */
const ELSEWHERE = ['POST /machines/{mac}/drift'];
const CHANGING = Object.keys(ACCESS_TABLE).filter(
  (route) => /^(POST|PUT|PATCH|DELETE) /.test(route) && ![...QUESTIONS, ...ELSEWHERE].includes(route),
);
const PASSWORD = 'correct horse battery';

let server: TestServer;
let worker: { stop(): Promise<void> };
let digest: string;
let next = 0;

function unused(what: string): string {
  next += 1;
  return `${what}-${next}`;
}

const patch = (path: string, body: unknown) => server.ask(path, { method: 'PATCH', body });
const remove = (path: string) => server.ask(path, { method: 'DELETE' });

async function newUser(): Promise<string> {
  const username = unused('user');
  expect((await server.post('/users', { username, password: PASSWORD, role: 'viewer' })).status).toBe(201);
  return username;
}

async function newImage(): Promise<string> {
  const name = `${unused('image')}.img`;
  await putImage(server, name, Buffer.alloc(512, 1));
  return name;
}

async function newJob(): Promise<{ mac: string; id: string }> {
  const mac = await newMachine(server, { image: 'debian.img' });
  const made = await server.post('/flash-jobs', { mac });
  expect(made.status, made.text).toBe(201);
  return { mac, id: made.json.id };
}

async function newWebhook(): Promise<string> {
  return (await server.post('/webhooks', { url: 'http://127.0.0.1:9/', actions: ['nothing.done'] })).json.id;
}

/** A machine with an old baseline 1 and a current one 2. */
async function baselines(): Promise<string> {
  const mac = await newMachine(server, {});
  for (const [version, current] of [
    [1, false],
    [2, true],
  ]) {
    await query(
      server.database,
      `INSERT INTO baselines (mac, version, current, recorded_at, run_id, workflow_name, workflow_digest, facts)
       VALUES ($1, $2, $3, now(), $4, 'w', 'd', '{}')`,
      [mac, version, current, randomUUID()],
    );
  }
  return mac;
}

async function newRun(): Promise<{ mac: string; id: string }> {
  const mac = await newMachine(server, { cijoe_workflow_ref: 'smoke', ssh_host: '127.0.0.1' });
  return { mac, id: await orderRun(server, mac) };
}

/** One successful request for each route that changes something. */
const CHANGES: Record<string, () => Promise<Recorded>> = {
  'POST /pxe/{mac}/done': async () => {
    const mac = await newMachine(server, {});
    const answer = await server.ask(`/pxe/${mac}/done`, { method: 'POST', anonymous: true });
    const { last_flashed_at } = answer.json;
    const place = { subject: `machine/${mac}`, action: 'machine.flashed', actor: `pxe:${mac}` };
    return { answer, ...place, before: { last_flashed_at: null }, after: { last_flashed_at } };
  },
  'POST /pxe/{mac}/booted': async () => {
    const mac = await newMachine(server, {});
    const answer = await server.ask(`/pxe/${mac}/booted`, { method: 'POST', anonymous: true });
    const place = { subject: `machine/${mac}`, action: 'machine.booted', actor: `booted:${mac}` };
    return { answer, ...place, before: { ip: null }, after: { ip: '127.0.0.1' } };
  },

  'POST /auth/login': async () => {
    const username = await newUser();
    const answer = await logIn(server, username, PASSWORD);
    const place = { subject: `user/${username}`, action: 'user.logged-in', actor: `user:${username}` };
    return { answer, ...place, before: null, after: { session: { expires_at: answer.json.expires_at } } };
  },
  'POST /auth/logout': async () => {
    const username = await newUser();
    const { token, expires_at } = (await logIn(server, username, PASSWORD)).json;
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await server.ask('/auth/logout', { method: 'POST', headers });
    const place = { subject: `user/${username}`, action: 'user.logged-out', actor: `user:${username}` };
    return { answer, ...place, before: { session: { expires_at } }, after: null };
  },
  'POST /auth/password': async () => {
    const username = await newUser();
    const { token } = (await logIn(server, username, PASSWORD)).json;
    const body = { present_password: PASSWORD, new_password: `another ${PASSWORD}` };
    const answer = await server.post('/auth/password', body, { Authorization: `Bearer ${token}` });
    const place = { subject: `user/${username}`, action: 'user.changed', actor: `user:${username}` };
    return { answer, ...place, before: { role: 'viewer' }, after: { password: 'changed' } };
  },
  'POST /users': async () => {
    const username = unused('user');
    const answer = await server.post('/users', { username, password: PASSWORD, role: 'viewer' });
    const after = { role: 'viewer', enabled: true };
    return { answer, subject: `user/${username}`, action: 'user.created', before: null, after };
  },
  'PATCH /users/{username}': async () => {
    const username = await newUser();
    const answer = await patch(`/users/${username}`, { role: 'ci' });
    const change = { before: { role: 'viewer' }, after: { role: 'ci' } };
    return { answer, subject: `user/${username}`, action: 'user.changed', ...change };
  },
  'DELETE /users/{username}': async () => {
    const username = await newUser();
    const answer = await remove(`/users/${username}`);
    return { answer, subject: `user/${username}`, action: 'user.removed', before: { role: 'viewer' }, after: null };
  },
  'POST /tokens': async () => {
    const name = unused('token');
    const answer = await server.post('/tokens', { name, role: 'ci', pool: 'rack-1' });
    const after = { role: 'ci', pool: 'rack-1', expires_at: null };
    return { answer, subject: `token/${name}`, action: 'token.created', before: null, after };
  },
  'DELETE /tokens/{id}': async () => {
    const name = unused('token');
    const { id } = (await server.post('/tokens', { name, role: 'ci', pool: 'rack-1' })).json;
    const answer = await remove(`/tokens/${id}`);
    const before = { role: 'ci', pool: 'rack-1', expires_at: null };
    return { answer, subject: `token/${name}`, action: 'token.revoked', before, after: null };
  },
  'DELETE /tokens': async () => {
    const name = unused('token');
    await newToken(server, { name, role: 'viewer' });
    const answer = await remove('/tokens');
    return { answer, subject: `token/${name}`, action: 'token.revoked', before: { role: 'viewer' }, after: null };
  },

  'PUT /images/{name}': async () => {
    const name = await newImage();
    const { sha256 } = await imageIn(server, name, 'ready');
    const bytes = Buffer.alloc(1024, 2);
    const answer = await server.put(`/images/${name}`, bytes, { 'If-Match': `"${sha256}"` });
    const after = { size_bytes: 1024, sha256: createHash('sha256').update(bytes).digest('hex') };
    return { answer, subject: `image/${name}`, action: 'image.replaced', before: { size_bytes: 512, sha256 }, after };
  },
  'DELETE /images/{name}': async () => {
    const name = await newImage();
    const answer = await remove(`/images/${name}`);
    return { answer, subject: `image/${name}`, action: 'image.removed', before: { size_bytes: 512 }, after: null };
  },

  'PUT /machines/{mac}': async () => {
    const mac = await newMachine(server, { tags: ['old'] });
    const answer = await server.put(`/machines/${mac}`, { tags: ['new'] });
    const change = { before: { tags: ['old'] }, after: { tags: ['new'] } };
    return { answer, subject: `machine/${mac}`, action: 'machine.changed', ...change };
  },
  'PATCH /machines/{mac}': async () => {
    const mac = await newMachine(server, { hostname: 'old' });
    const answer = await patch(`/machines/${mac}`, { hostname: 'new' });
    const change = { before: { hostname: 'old' }, after: { hostname: 'new' } };
    return { answer, subject: `machine/${mac}`, action: 'machine.changed', ...change };
  },
  'DELETE /machines/{mac}': async () => {
    const mac = await newMachine(server, { hostname: 'gone' });
    const answer = await remove(`/machines/${mac}`);
    const before = { hostname: 'gone' };
    return { answer, subject: `machine/${mac}`, action: 'machine.removed', before, after: null };
  },
  'DELETE /machines/{mac}/host-keys': async () => {
    const mac = await newMachine(server, {});
    const host_keys = ['ssh-ed25519 AAAA'];
    const sql = 'UPDATE machines SET ssh_host_keys = $2 WHERE mac = $1';
    await query(server.database, sql, [mac, JSON.stringify(host_keys)]);
    const answer = await remove(`/machines/${mac}/host-keys`);
    const change = { before: { host_keys }, after: { host_keys: null } };
    return { answer, subject: `machine/${mac}`, action: 'machine.host-keys-forgotten', ...change };
  },
  'POST /machines/{mac}/baselines/{version}/promote': async () => {
    const mac = await baselines();
    const answer = await server.post(`/machines/${mac}/baselines/1/promote`, {});
    const change = { before: { version: 2 }, after: { version: 1 } };
    return { answer, subject: `machine/${mac}`, action: 'machine.baseline-promoted', ...change };
  },
  'DELETE /machines/{mac}/baselines/{version}': async () => {
    const mac = await baselines();
    const answer = await remove(`/machines/${mac}/baselines/1`);
    const before = { version: 1 };
    return { answer, subject: `machine/${mac}`, action: 'machine.baseline-removed', before, after: null };
  },

  'POST /flash-jobs': async () => {
    const mac = await newMachine(server, { image: 'debian.img' });
    const answer = await server.post('/flash-jobs', { mac });
    const after = { mac, state: 'queued', image: 'debian.img' };
    return { answer, subject: `flash-job/${answer.json.id}`, action: 'flash-job.created', before: null, after };
  },
  'POST /flash-jobs/{id}/cancel': async () => {
    const { id, mac } = await newJob();
    const answer = await server.post(`/flash-jobs/${id}/cancel`, {});
    const change = { before: { state: 'queued' }, after: { state: 'cancelled', mac } };
    return { answer, subject: `flash-job/${id}`, action: 'flash-job.cancelled', ...change };
  },
  'POST /flash-jobs/{id}/retry': async () => {
    const { id, mac } = await newJob();
    await server.post(`/flash-jobs/${id}/cancel`, {});
    const answer = await server.post(`/flash-jobs/${id}/retry`, {});
    const after = { mac, state: 'queued' };
    return { answer, subject: `flash-job/${answer.json.id}`, action: 'flash-job.created', before: null, after };
  },
  'PUT /flash-jobs/{id}/report': async () => {
    const { id, mac } = await newJob();
    const agent = await FakeAgent.boot(server, mac);
    const { epoch } = await agent.receive('flash.start');
    const body = writeArchive(filesOf({ 'task.state': '' })).bytes;
    const headers = { Authorization: `Bearer ${agent.session}` };
    const answer = await server.put(`/flash-jobs/${id}/report?epoch=${epoch}`, body, headers);
    agent.cut();
    const place = { subject: `flash-job/${id}`, action: 'flash-job.reported', actor: `agent:${mac}` };
    return { answer, ...place, before: { epoch, report_files: null }, after: { epoch, mac, report_files: 1 } };
  },

  'POST /runs': async () => {
    const mac = await newMachine(server, { cijoe_workflow_ref: 'smoke' });
    const answer = await server.post('/runs', { mac });
    const after = { state: 'queued', mac, workflow: `smoke@${digest}` };
    return { answer, subject: `run/${answer.json.id}`, action: 'run.created', before: null, after };
  },
  'POST /runs/{id}/cancel': async () => {
    const { id, mac } = await newRun();
    const answer = await server.post(`/runs/${id}/cancel`, {});
    const before = { state: expect.stringMatching(/queued|waiting/) };
    return { answer, subject: `run/${id}`, action: 'run.cancelled', before, after: { state: 'cancelled', mac } };
  },
  'DELETE /runs/{id}': async () => {
    const { id, mac } = await newRun();
    await server.post(`/runs/${id}/cancel`, {});
    const answer = await remove(`/runs/${id}`);
    return { answer, subject: `run/${id}`, action: 'run.removed', before: { state: 'cancelled', mac }, after: null };
  },

  'PUT /workflows/{name}': async () => {
    const name = unused('workflow');
    const before = { digest: await putWorkflow(server, name, 'hostname') };
    const yaml = 'doc: x\nsteps:\n- name: one\n  run: hostname\n';
    const answer = await server.put(`/workflows/${name}`, yaml, { 'Content-Type': 'application/yaml' });
    const after = { digest: answer.json.digest };
    return { answer, subject: `workflow/${name}`, action: 'workflow.put', before, after };
  },
  'DELETE /workflows/{name}': async () => {
    const name = unused('workflow');
    const before = { digest: await putWorkflow(server, name, 'hostname') };
    const answer = await remove(`/workflows/${name}`);
    return { answer, subject: `workflow/${name}`, action: 'workflow.removed', before, after: null };
  },
  'DELETE /workflows/{name}/versions/{digest}': async () => {
    const name = unused('workflow');
    const before = { digest: await putWorkflow(server, name, 'hostname'), state: 'ready' };
    const answer = await remove(`/workflows/${name}/versions/${before.digest}`);
    return { answer, subject: `workflow/${name}`, action: 'workflow.removed', before, after: null };
  },

  'POST /webhooks': async () => {
    const url = 'http://127.0.0.1:9/';
    const answer = await server.post('/webhooks', { url, actions: ['nothing.done'] });
    const after = { url, actions: ['nothing.done'], enabled: true };
    return { answer, subject: `webhook/${answer.json.id}`, action: 'webhook.created', before: null, after };
  },
  'PUT /webhooks/{id}': async () => {
    const id = await newWebhook();
    const answer = await server.put(`/webhooks/${id}`, { url: 'http://127.0.0.1:9/', enabled: false });
    const change = { before: { enabled: true }, after: { enabled: false } };
    return { answer, subject: `webhook/${id}`, action: 'webhook.changed', ...change };
  },
  'DELETE /webhooks/{id}': async () => {
    const id = await newWebhook();
    const answer = await remove(`/webhooks/${id}`);
    const before = { url: 'http://127.0.0.1:9/' };
    return { answer, subject: `webhook/${id}`, action: 'webhook.removed', before, after: null };
  },
  'POST /webhooks/{id}/deliveries/{delivery}/retry': async () => {
    const [id, delivery] = [await newWebhook(), randomUUID()];
    await query(
      server.database,
      `INSERT INTO webhook_deliveries (id, webhook_id, event_id, body, state, attempts, next_at, created_at, ended_at)
       VALUES ($1, $2, 1, '{"type": "nothing.done"}', 'failed', 9, now(), now(), now())`,
      [delivery, id],
    );
    const answer = await server.post(`/webhooks/${id}/deliveries/${delivery}/retry`, {});
    const change = { before: { delivery, state: 'failed' }, after: { delivery, state: 'pending' } };
    return { answer, subject: `webhook/${id}`, action: 'webhook.delivery-ordered', ...change };
  },
};

beforeAll(async () => {
  server = await TestServer.start();
  worker = await server.worker();
  await putImage(server, 'debian.img', Buffer.alloc(4096, 'image'));
  digest = await putWorkflow(server, 'smoke', 'hostname');
});

afterAll(async () => {
  await worker.stop();
  await server.stop();
});

describe('a successful change', () => {
  it('is shown here for every route that makes one', () => {
    expect(Object.keys(CHANGES).toSorted()).toEqual(CHANGING.toSorted());
  });

  it.each(CHANGING)('by %s leaves an event with who, what, from where, before and after', async (route) => {
    const {
      answer,
      subject,
      action,
      actor = 'token:admin',
      before,
      after,
    } = await (CHANGES[route] as () => Promise<Recorded>)();
    expect(answer.status, answer.text).toBeGreaterThanOrEqual(200);
    expect(answer.status, answer.text).toBeLessThan(300);
    const events: { action: string }[] = (await server.ask(`/events?subject=${encodeURIComponent(subject)}`)).json;
    const told = events.filter((event) => event.action === action);
    expect(told[0], JSON.stringify(events)).toMatchObject({ subject, actor, ip: '127.0.0.1', before, after });
  });
});
