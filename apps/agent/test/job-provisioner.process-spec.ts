import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { readArchive, writeArchive } from '@bty/archive';
import { type FlashStart, type JobWorkflow } from '@bty/wire-types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobProvisioner } from '../src/job-provisioner.js';
import { runCommand } from '../src/run-command.js';
import { failure } from './failure.js';
import { leftOf, type Place, plant, SYSTEM, SystemDisk } from './system-disk.js';
import { ENVIRONMENT, steps } from './workflow-steps.js';

const ROOT: Place = { startMiB: 1, sizeMiB: 40 };
const REF = { job_id: '3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f', epoch: 2 };
const never = new AbortController().signal;

/** What a server says to requests, in their order; the last answer counts for all that follow. */
interface Script {
  get: { status: number; body?: Buffer }[];
  put: number[];
}

let disk: SystemDisk;
let workDir: string;
let server: Server;
let asked: string[];
let reports: Buffer[];
let parts: string[];

beforeEach(() => {
  workDir = mkdtempSync(join(tmpdir(), 'bty-work-'));
  [asked, reports, parts] = [[], [], []];
  disk = new SystemDisk(42, 'label: gpt\nstart=1MiB, size=40MiB\n');
  disk.format(ROOT, 'mke2fs', '-q', '-t', 'ext4');
  disk.inside(ROOT, '', (folder) => plant(folder, SYSTEM));
});

afterEach(async () => {
  server.close();
  const left = disk.path === '' ? [] : leftOf(disk, workDir);
  await disk.remove();
  expect([left, readdirSync(workDir)]).toEqual([[], []]);
  rmSync(workDir, { recursive: true });
});

function archiveOf(commands: Record<string, string>): Buffer {
  return writeArchive([{ path: 'flow.yaml', content: Buffer.from(steps(commands)), executable: false }]).bytes;
}

async function serve(script: Script): Promise<string> {
  const next = <T>(answers: T[]): T => (answers.length > 1 ? (answers.shift() as T) : (answers[0] as T));
  const answer = async (request: IncomingMessage): Promise<{ status: number; body?: Buffer }> => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    if (request.method === 'GET') return next(script.get);
    const body = await buffer(request);
    const status = next(script.put);
    if (status === 204) reports.push(body);
    return { status };
  };
  server = createServer((request, response) => {
    void answer(request).then(({ status, body }) => response.writeHead(status).end(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function carryOut(commands: Record<string, string>, more: Partial<Script> = {}, searchPath = ENVIRONMENT.PATH) {
  const tar = archiveOf(commands);
  const url = await serve({ get: [{ status: 200, body: tar }], put: [204], ...more });
  const workflow: JobWorkflow = {
    name: 'edit',
    path: '/flow',
    digest: createHash('sha256').update(tar).digest('hex'),
    size_bytes: tar.length,
    main_file: 'flow.yaml',
    config: '[bty]\nhostname = "node-9"\n',
    time_limit_seconds: 60,
  };
  const ports = {
    ...{
      run: runCommand,
      workDir,
      searchPath,
      log: () => undefined,
      onRetry: () => undefined,
      onAlive: () => undefined,
    },
    authorization: () => 'Bearer session',
    backoff: { baseMs: 1, capMs: 5 },
    urlOn: (path: string) => `${url}${path}`,
    sendOutput: async (part: number, text: string) => {
      parts[part] = text;
    },
  };
  const order = { ...REF, verify: 'full', provisioning_mode: 'cijoe', workflow } as FlashStart;
  const provisioner = await jobProvisioner(order, ports, never);
  if (provisioner === undefined) throw new Error('nothing is provisioned');
  await provisioner(await disk.flashed());
}

const reportFiles = (): string[] =>
  reports.flatMap((bytes) => readArchive(bytes, { maxFiles: 100, maxBytes: 1 << 24 }).map(({ path }) => path));

describe('a job with a workflow', () => {
  it('fetches it with the session, runs it, streams its output and stores its report', async () => {
    await carryOut({ name: 'echo {{ config.bty.hostname }} | tee $BTY_ROOTFS/etc/hostname' });
    expect(disk.inside(ROOT, 'ro', (folder) => readFileSync(join(folder, 'etc/hostname'), 'utf8'))).toBe('node-9\n');
    expect(parts.join('')).toContain('node-9\n');
    expect(reportFiles()).toContain('report.html');
    expect(asked).toEqual(['GET /flow Bearer session', `PUT /flash-jobs/${REF.job_id}/report?epoch=2 Bearer session`]);
  });

  it('stores the report of a workflow that failed, and names the step', async () => {
    const error = await failure(carryOut({ fine: 'true', broken: 'false' }));
    expect([error.code, error.message]).toEqual(['WORKFLOW_FAILED', 'failed: broken']);
    expect(reportFiles()).toContain('report.html');
  });

  it('goes on when the server was away for a while', async () => {
    const tar = archiveOf({ a: 'true' });
    await carryOut({ a: 'true' }, { get: [{ status: 503 }, { status: 200, body: tar }], put: [502, 500, 204] });
    expect([asked.length, reports.length]).toEqual([5, 1]);
  });

  it('fails when the report of its success is not taken', async () => {
    const error = await failure(carryOut({ a: 'true' }, { put: [413] }));
    expect(error).toMatchObject({ code: 'PROVISIONING_FAILED', message: expect.stringContaining('(413)') });
  });

  it('tells the failure of the workflow, and not that its report is not taken', async () => {
    expect((await failure(carryOut({ broken: 'false' }, { put: [413] }))).message).toBe('failed: broken');
  });

  it('ends when the job is another agent’s by then', async () => {
    expect((await failure(carryOut({ a: 'true' }, { put: [409] }))).code).toBe('STALE_EPOCH');
  });

  it.each<[string, Partial<Script>, string]>([
    ['is gone', { get: [{ status: 404 }] }, 'UNAVAILABLE'],
    ['is not for this session', { get: [{ status: 401 }] }, 'UNAUTHENTICATED'],
    ['comes damaged', { get: [{ status: 200, body: Buffer.from('damaged') }] }, 'DIGEST_MISMATCH'],
    ['comes with more than was ordered', { get: [{ status: 200, body: Buffer.alloc(99_999) }] }, 'ARCHIVE_INVALID'],
  ])('that %s fails before anything is written', async (_name, script, code) => {
    expect((await failure(carryOut({ a: 'true' }, script))).code).toBe(code);
    expect(disk.path).toBe('');
  });

  it('fails before anything is fetched in a live env without the layer', async () => {
    const error = await failure(carryOut({ a: 'true' }, {}, '/usr/sbin:/usr/bin'));
    expect(error).toMatchObject({ code: 'MODE_UNSUPPORTED', details: { missing_tool: 'cijoe' } });
    expect(asked).toEqual([]);
  });
});
