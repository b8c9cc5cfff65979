import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newMachine } from './flash-steps.js';
import { putImage } from './image-steps.js';
import { orderRun, runIn } from './run-steps.js';
import type { Answer } from './server-under-test.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';
import { putWorkflow } from './workflow-steps.js';

/** A record, a change that makes its ETag stale, and the changes that a caller may make dependent on it, the last of which works. */
interface Case {
  readonly path: string;
  readonly disturb: () => Promise<unknown>;
  readonly changes: readonly ((headers: Record<string, string>) => Promise<Answer>)[];
}

type Headers = Record<string, string>;

let server: TestServer;
let worker: { stop(): Promise<void> };

const remove = (path: string) => (headers: Headers) => server.ask(path, { method: 'DELETE', headers });
const post = (path: string) => (headers: Headers) => server.post(path, {}, headers);
const sql = (text: string, id: string) => query(server.database, text, [id]);

async function newJob(): Promise<string> {
  const mac = await newMachine(server, { image: 'debian.img' });
  return (await server.post('/flash-jobs', { mac })).json.id;
}

async function newRun(): Promise<string> {
  const mac = await newMachine(server, { cijoe_workflow_ref: 'smoke' });
  const id = await orderRun(server, mac);
  // its worker looks for the system, which there is not
  await runIn(server, id, 'waiting');
  return id;
}

const CASES: Record<string, () => Promise<Case>> = {
  'a machine': async () => {
    const path = `/machines/${await newMachine(server, {})}`;
    const put = (headers: Headers) => server.put(path, {}, headers);
    const disturb = () => server.put(path, { hostname: 'other' });
    return { path, disturb, changes: [put, remove(path)] };
  },
  'a user': async () => {
    const path = '/users/dora';
    await server.post('/users', { username: 'dora', password: 'correct horse battery', role: 'viewer' });
    const patch = (role: string, headers: Headers) => server.ask(path, { method: 'PATCH', body: { role }, headers });
    const change = (headers: Headers) => patch('ci', headers);
    return { path, disturb: () => patch('operator', {}), changes: [change, remove(path)] };
  },
  'a flash job': async () => {
    const id = await newJob();
    const path = `/flash-jobs/${id}`;
    // as the hand-out to an agent does
    const disturb = () => sql('UPDATE flash_jobs SET version = version + 1 WHERE id = $1', id);
    return { path, disturb, changes: [post(`${path}/cancel`)] };
  },
  'a flash job that has ended': async () => {
    const id = await newJob();
    const path = `/flash-jobs/${id}`;
    return { path, disturb: () => server.post(`${path}/cancel`, {}), changes: [post(`${path}/retry`)] };
  },
  'a run': async () => {
    const id = await newRun();
    const path = `/runs/${id}`;
    const disturb = () => sql('UPDATE runs SET version = version + 1 WHERE id = $1', id);
    return { path, disturb, changes: [post(`${path}/cancel`)] };
  },
  'a run that has ended': async () => {
    const path = `/runs/${await newRun()}`;
    return { path, disturb: () => server.post(`${path}/cancel`, {}), changes: [remove(path)] };
  },
  'a workflow': async () => {
    const path = '/workflows/etag';
    const first = await putWorkflow(server, 'etag', 'hostname');
    const again = (headers: Headers) =>
      server.put(path, 'doc: x\nsteps:\n- name: one\n  run: hostname\n', {
        'Content-Type': 'application/yaml',
        ...headers,
      });
    const disturb = () => putWorkflow(server, 'etag', 'date');
    return { path, disturb, changes: [again, remove(`${path}/versions/${first}`), remove(path)] };
  },
};

const etagOf = async (path: string) => (await server.ask(path)).headers.get('etag') ?? '';

beforeAll(async () => {
  server = await TestServer.start();
  await putImage(server, 'debian.img', Buffer.alloc(512, 1));
  worker = await server.worker();
  await putWorkflow(server, 'smoke', 'hostname');
});

afterAll(async () => {
  await worker.stop();
  await server.stop();
});

describe.each(Object.keys(CASES))('the ETag of %s', (kind) => {
  it('spares a reader what it has, and lets a change happen only to what was seen', async () => {
    const { path, disturb, changes } = await (CASES[kind] as () => Promise<Case>)();
    const stale = await etagOf(path);
    expect(stale).toMatch(/^"[^"~]+~[\w-]{22}"$/);
    await disturb();
    for (const change of changes) {
      const refused = await change({ 'If-Match': stale });
      expect([refused.status, refused.json.code], refused.text).toEqual([412, 'PRECONDITION_FAILED']);
    }
    for (const change of changes) {
      const present = await etagOf(path);
      const unchanged = await server.ask(path, { headers: { 'If-None-Match': present } });
      expect([unchanged.status, unchanged.text]).toEqual([304, '']);
      const taken = await change({ 'If-Match': present });
      expect([200, 201, 204], taken.text).toContain(taken.status);
    }
  });
});

describe('the ETag of a token', () => {
  it('is of that token: with another, none is revoked', async () => {
    const paths: string[] = [];
    for (const name of ['one', 'two']) {
      paths.push((await server.post('/tokens', { name, role: 'viewer' })).headers.get('location') ?? '');
    }
    const [one, two] = paths as [string, string];
    expect((await remove(two)({ 'If-Match': await etagOf(one) })).status).toBe(412);
    expect((await remove(two)({ 'If-Match': await etagOf(two) })).status).toBe(204);
  });
});

describe('the document of the API', () => {
  it('tells of ETags and If-Match for every record that has them', async () => {
    const { paths } = (await server.ask('/openapi.json')).json;
    const records = Object.keys(paths).filter((path) => paths[path].get?.responses['200']?.headers?.ETag);
    expect(records.toSorted()).toEqual([
      '/flash-jobs/{id}',
      '/machines/{mac}',
      '/runs/{id}',
      '/tokens/{id}',
      '/users/{username}',
      '/workflows/{name}',
    ]);
    const changes = records.flatMap((path) =>
      ['put', 'patch', 'delete'].flatMap((method) => paths[path][method] ?? []),
    );
    changes.push(
      ...['/flash-jobs/{id}/cancel', '/flash-jobs/{id}/retry', '/runs/{id}/cancel'].map((path) => paths[path].post),
    );
    for (const { summary, parameters, responses } of changes) {
      const names = parameters.map(({ name }: { name: string }) => name);
      expect([summary, names, Object.keys(responses)]).toEqual([
        summary,
        expect.arrayContaining(['If-Match']),
        expect.arrayContaining(['412']),
      ]);
    }
  });
});
