import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readArchive, writeArchive } from '@bty/archive';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from './test-server.js';
import { filesOf, putFiles, putWorkflow } from './workflow-steps.js';

const TASK = 'doc: x\nsteps:\n- name: one\n  run: hostname\n';
const TAR = { 'Content-Type': 'application/x-tar' };
let server: TestServer;
let worker: { stop(): Promise<void> };

beforeAll(async () => {
  server = await TestServer.start();
  worker = await server.worker();
});

afterAll(async () => {
  await worker.stop();
  await server.stop();
});

describe('PUT /workflows/{name}', () => {
  it('takes a tar that cijoe takes, and names it by the digest of its files', async () => {
    const files = filesOf({ 'cijoe-task.yaml': TASK, 'scripts/own.py': 'def main(args, cijoe):\n    return 0\n' });
    const answer = await server.put('/workflows/smoke', writeArchive(files).bytes, TAR);
    expect(answer.status, answer.text).toBe(201);
    const digest = createHash('sha256').update(writeArchive(files).bytes).digest('hex');
    expect(answer.json).toMatchObject({
      ...{ name: 'smoke', digest, state: 'ready', problem: null, main_file: 'cijoe-task.yaml', put_by: 'token:admin' },
      files: ['cijoe-task.yaml', 'scripts/own.py'],
    });
    const again = await server.put('/workflows/smoke', writeArchive(files.toReversed()).bytes, TAR);
    expect([again.status, again.json.digest]).toEqual([200, digest]);
  });

  it('takes a bare YAML', async () => {
    const answer = await server.put('/workflows/bare', TASK, { 'Content-Type': 'application/yaml' });
    expect(answer.status, answer.text).toBe(201);
    expect(answer.json.files).toEqual(['cijoe-task.yaml']);
  });

  it('takes scripts of its own, settings, and templates over both and over the environment', async () => {
    const task = `doc: x
steps:
- name: own
  uses: own
  with:
    word: "{{ config.mine.word }} {{ local.env.BTY_ROOTFS }} {{ config.bty.mac }}"
`;
    const answer = await putFiles(server, 'templates', {
      'cijoe-task.yaml': task,
      'own.py': 'def main(args, cijoe):\n    return 0\ndef add_args(parser):\n    parser.add_argument("--word")\n',
      'cijoe-config.toml': '[mine]\nword = "x"\n',
    });
    expect(answer.status, answer.text).toBe(201);
  });

  it.each([
    [
      'a step that uses nothing known',
      { 'a.yaml': 'doc: x\nsteps:\n- name: a\n  uses: nothing\n' },
      /unknown resource: script\(nothing\)/,
    ],
    ['steps without names', { 'a.yaml': 'doc: x\nsteps:\n- run: hostname\n' }, /missing mandatory 'name'/],
    ['no steps', { 'a.yaml': 'doc: x\n' }, /No steps in task/],
    [
      'a template over what is not there',
      { 'a.yaml': 'doc: x\nsteps:\n- name: a\n  run: echo {{ config.nothing }}\n' },
      /nothing/,
    ],
    ['YAML that is none', { 'a.yaml': 'doc: [\n' }, /expected the node content/],
    ['settings that are no TOML', { 'a.yaml': TASK, 'cijoe-config.toml': 'a = ]' }, /^cijoe-config.toml: Invalid TOML/],
    ['no YAML at the top', { 'x/a.yaml': TASK }, /there is no .yaml at the top/],
  ])('refuses %s, with what cijoe says', async (_name, texts, message) => {
    const answer = await putFiles(server, 'refused', texts as Record<string, string>);
    expect([answer.status, answer.json.code]).toEqual([422, 'WORKFLOW_INVALID']);
    expect(answer.json.detail).toMatch(message);
  });

  it('keeps code in a template from reaching the server', async () => {
    const code = `{{ ''.__class__.__mro__[1].__subclasses__() | length }} {{ self.__init__.__globals__.__builtins__.open('/proc/1/environ').read() }}`;
    const task = `doc: x\nsteps:\n- name: a\n  run: |\n    ${code}\n`;
    const answer = await putFiles(server, 'template', { 'a.yaml': task });
    expect(answer.status, answer.text).toBe(201);
    const environment = (await server.ask(`/workflows/template/versions/${answer.json.digest}`)).text;
    expect(environment).not.toContain('PATH=');
  });

  it('leaves no version to run behind what was refused, and shows why', async () => {
    const { json } = await server.ask('/workflows/refused');
    expect(json.digest).toBeNull();
    expect(json.versions[0]).toMatchObject({ state: 'refused', problem: expect.stringContaining('') });
    const machine = await server.put('/machines/52:54:00:00:00:01', { cijoe_workflow_ref: 'refused' });
    expect([machine.status, machine.json.fields?.[0]?.field]).toEqual([422, 'cijoe_workflow_ref']);
  });

  it.each([
    ['no archive', 'hello', 'ARCHIVE_INVALID'],
    ['an empty body', '', 'ARCHIVE_INVALID'],
  ])('refuses %s', async (_name, body, code) => {
    const answer = await server.put('/workflows/x', body, TAR);
    expect([answer.status, answer.json.code]).toEqual([422, code]);
  });

  it('refuses a bad name and what is too large', async () => {
    expect((await server.put('/workflows/a%20b', TASK, { 'Content-Type': 'application/yaml' })).status).toBe(422);
    const large = await server.put('/workflows/large', Buffer.alloc(17 * 1024 * 1024), TAR);
    expect([large.status, large.json.code]).toEqual([413, 'TOO_LARGE']);
  });

  it('wants a token', async () => {
    for (const path of ['/workflows', '/workflows/smoke']) {
      expect((await server.ask(path, { anonymous: true })).status).toBe(401);
    }
  });
});

describe('versions', () => {
  let older: string;
  let newer: string;

  beforeAll(async () => {
    older = await putWorkflow(server, 'versioned', 'echo 1');
    newer = await putWorkflow(server, 'versioned', 'echo 2');
  });

  it('are listed, newest first, and the newest is what the name means', async () => {
    const { json } = await server.ask('/workflows/versioned');
    expect(json.digest).toBe(newer);
    expect(json.versions.map(({ digest }: { digest: string }) => digest)).toEqual([newer, older]);
    const all = (await server.ask('/workflows')).json;
    expect(all.map(({ name }: { name: string }) => name)).toContain('versioned');
  });

  it('can be fetched with the digest that they are named by', async () => {
    const answer = await fetch(`${server.url}/workflows/versioned/versions/${older}`, {
      headers: { Authorization: `Bearer ${server.token}` },
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(older);
    expect(readArchive(bytes, { maxFiles: 9, maxBytes: 9999 }).map(({ path }) => path)).toEqual(['cijoe-task.yaml']);
    expect((await server.ask(`/workflows/versioned/versions/${'0'.repeat(64)}`)).status).toBe(404);
  });

  it('go back to an older one that is put again', async () => {
    const files = { 'cijoe-task.yaml': 'doc: versioned\nsteps:\n- name: commands\n  run: |\n    echo 1\n' };
    const answer = await putFiles(server, 'versioned', files);
    expect([answer.status, answer.json.digest]).toEqual([200, older]);
    expect((await server.ask('/workflows/versioned')).json.digest).toBe(older);
  });

  it('cannot be removed while a record names them', async () => {
    const mac = '52:54:00:00:00:02';
    const remove = (path: string) => server.ask(`/workflows/versioned${path}`, { method: 'DELETE' });
    await server.put(`/machines/${mac}`, { cijoe_workflow_ref: 'versioned' });
    const refused = await remove('');
    expect([refused.status, refused.json.code]).toEqual([409, 'IN_USE']);
    expect((await remove(`/versions/${older}`)).status).toBe(409);
    expect((await remove(`/versions/${newer}`)).status).toBe(204);
    await server.put(`/machines/${mac}`, { cijoe_workflow_ref: `versioned@${older}` });
    expect((await remove(`/versions/${older}`)).status).toBe(409);
    await server.put(`/machines/${mac}`, {});
    const file = join(server.config.stateDir, 'workflows', `${older}.tar`);
    expect(existsSync(file)).toBe(true);
    expect((await remove('')).status).toBe(204);
    expect(existsSync(file)).toBe(false);
    expect((await remove('')).status).toBe(404);
  });

  it('of two names share their files until the last is gone', async () => {
    const first = await putWorkflow(server, 'shared', 'echo same');
    await server.put('/workflows/shared-2', Buffer.from(await raw(`/workflows/shared/versions/${first}`)), TAR);
    await server.ask('/workflows/shared', { method: 'DELETE' });
    expect((await server.ask(`/workflows/shared-2/versions/${first}`)).status).toBe(200);
  });
});

async function raw(path: string): Promise<ArrayBuffer> {
  return (await fetch(`${server.url}${path}`, { headers: { Authorization: `Bearer ${server.token}` } })).arrayBuffer();
}
