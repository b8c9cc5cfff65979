import { type ArchiveFile, writeArchive } from '@bty/archive';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { ownConfig, runConfig } from './workflow-config.js';
import { mainFileOf, readUpload } from './workflow-files.js';
import { parseWorkflowRef } from './workflow-ref.js';

const DIGEST = 'a'.repeat(64);
const MAC = '52:54:00:00:00:01';

function file(path: string, text = ''): ArchiveFile {
  return { path, content: Buffer.from(text), executable: false };
}

describe('parseWorkflowRef', () => {
  it.each([
    ['smoke', { name: 'smoke' }],
    [`Smoke.v2_x-1@${DIGEST}`, { name: 'Smoke.v2_x-1', digest: DIGEST }],
  ])('reads %s', (text, ref) => {
    expect(parseWorkflowRef(text)).toEqual(ref);
  });

  it.each([
    '',
    '.smoke',
    'a/b',
    'a b',
    'smoke@',
    'smoke@latest',
    `smoke@${DIGEST}@x`,
    `smoke@${DIGEST.toUpperCase()}`,
    'a\n',
    'x'.repeat(64),
  ])('refuses %j', (text) => {
    expect(parseWorkflowRef(text)).toBeUndefined();
  });
});

describe('mainFileOf', () => {
  it.each([
    [['cijoe-workflow.yaml', 'cijoe-task.yaml', 'other.yaml'], { path: 'cijoe-task.yaml' }],
    [['other.yaml', 'cijoe-workflow.yaml'], { path: 'cijoe-workflow.yaml' }],
    [['smoke.yaml', 'lib/other.yaml', 'a.py'], { path: 'smoke.yaml' }],
    [['a.yaml', 'b.yaml'], { problem: 'several .yaml are at the top; call the one to run cijoe-task.yaml' }],
    [['lib/a.yaml', 'x.yml'], { problem: 'there is no .yaml at the top of the archive' }],
  ])('of %j', (paths, expected) => {
    expect(mainFileOf(paths.map((path) => file(path)))).toEqual(expected);
  });
});

describe('readUpload', () => {
  it('takes a bare YAML for the workflow itself, by its content type', () => {
    const yaml = Buffer.from('doc: x\n');
    for (const type of ['application/yaml', 'text/yaml; charset=utf-8', 'application/x-yaml']) {
      expect(readUpload(yaml, type)).toEqual([file('cijoe-task.yaml', 'doc: x\n')]);
    }
    expect(() => readUpload(yaml, 'application/x-tar')).toThrow('the archive ends early');
  });

  it('takes a tar', () => {
    const files = [file('a.yaml', 'doc: x\n')];
    expect(readUpload(writeArchive(files).bytes, undefined)).toEqual(files);
  });
});

describe('runConfig', () => {
  const transport = { hostname: '127.0.0.1', port: 2222, username: 'root', key_filename: '/job/key' };

  it('makes ours the only transport and keeps the workflow’s other settings', () => {
    const own = ownConfig([
      file(
        'cijoe-config.toml',
        '[cijoe.task]\nfail_fast = true\n[cijoe.transport.theirs]\nhostname = "db"\n[bty]\nmac = "x"\nmine = 1\n[a]\nb = [1, 2]\n',
      ),
    ]);
    expect(parse(runConfig(own, { mac: MAC, hostname: undefined, run_id: 'r' }, transport))).toEqual({
      cijoe: {
        task: { fail_fast: true },
        transport: { bty: { ...transport, look_for_keys: false, allow_agent: false } },
      },
      bty: { mac: MAC, mine: 1, run_id: 'r' },
      a: { b: [1, 2] },
    });
  });

  it('has no transport offline', () => {
    const own = ownConfig([file('cijoe-config.toml', '[cijoe.transport.theirs]\nhostname = "db"\n')]);
    expect(parse(runConfig(own, { mac: MAC }, undefined))).toEqual({ cijoe: {}, bty: { mac: MAC } });
  });

  it.each(['quoted "name"', "it's", 'two\nlines', 'back\\slash', '[table]', 'ä 💾'])(
    'carries %j unchanged',
    (hostname) => {
      const text = runConfig({}, { mac: MAC, hostname }, { ...transport, username: hostname });
      expect(parse(text)).toMatchObject({ bty: { hostname }, cijoe: { transport: { bty: { username: hostname } } } });
    },
  );

  it('keeps cijoe from reading a fact as a template', () => {
    const text = runConfig({}, { mac: MAC, image: 'a{{ 7 * 7 }}{% x %}.img' }, undefined);
    expect(parse(text)).toMatchObject({ bty: { image: "a{{ '{{' }} 7 * 7 }}{{ '{%' }} x %}.img" } });
  });

  it('names the place where a workflow’s settings are no TOML', () => {
    expect(() => ownConfig([file('cijoe-config.toml', 'a = 1\nb = ]\n')])).toThrow(/2: {2}b = \]/);
  });
});
