import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { expected } from '@bty/image-format';
import { CLOSE_CODES } from '@bty/wire-types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildGptImage } from '../../../libs/image-format/src/gpt-image.builder.js';
import { AgentProcess } from './agent-process.js';
import { FakeAgentServer } from './agent-server.fake.js';
import { BUNDLE } from './built-agent.js';
import { LoopDisk } from './loop-disk.js';

const MIB = 1024 * 1024;
const SLOW = 12 * MIB;
const image = buildGptImage({ sizeBytes: 16 * MIB, fill: (bytes) => void randomBytes(bytes.length).copy(bytes) });

let server: FakeAgentServer;
let url: string;
let disk: LoopDisk;
let canary: LoopDisk;
let agent: AgentProcess;

beforeEach(async () => {
  server = new FakeAgentServer(image);
  url = await server.listen();
  disk = new LoopDisk(randomBytes(20 * MIB));
  canary = new LoopDisk(randomBytes(4 * MIB));
  agent = new AgentProcess(url, [disk.path, canary.path]);
});

afterEach(async () => {
  await agent.remove();
  await server.close();
  expect(canary.content().equals(canary.before)).toBe(true);
  disk.remove();
  canary.remove();
});

async function until(what: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!what()) {
    if (Date.now() > deadline) throw new Error(`waited in vain; the agent says:\n${agent.log}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Hands out the job, slowly enough for something to happen, and waits until some of it is on the disk. */
async function startWriting(bytes = 4 * MIB): Promise<void> {
  server.pack.bytesPerSecond = SLOW;
  server.order = server.newOrder();
  agent.start();
  await until(() =>
    server.of('flash.progress').some(({ stage, bytes_done }) => stage === 'writing' && bytes_done >= bytes),
  );
}

const finished = () => server.of('flash.finished');
const headIsZero = (): boolean => disk.headIsZero();
const diskIsRight = (): boolean => disk.content().equals(expected(image, disk.before));

describe('the agent', () => {
  it('takes a job from its server, flashes the disk that the image fits on, reports, and ends', async () => {
    server.order = server.newOrder();
    agent.start();
    expect(await agent.ended()).toBe(0);
    expect(finished()).toMatchObject([{ outcome: 'succeeded', result: { verify: 'full', gpt_relocated: true } }]);
    expect(server.of('flash.stage').map(({ stage }) => stage)).toEqual([
      'preparing',
      'writing',
      'flushing',
      'verifying',
      'committing',
    ]);
    expect(server.of('agent.rebooting')).toHaveLength(1);
    expect(diskIsRight()).toBe(true);
    expect(server.pack.requests.every(({ authorization }) => authorization === `Bearer ${'s'.repeat(43)}`)).toBe(true);
  });

  it('in tui mode stays connected and writes nothing until a job is handed over', async () => {
    agent = new AgentProcess(url, [disk.path, canary.path], 'tui');
    agent.start();
    await until(() => server.hellos.length === 1);
    expect(server.hellos[0]).toMatchObject({
      mode: 'tui',
      inventory: { disks: [{ path: disk.path }, { path: canary.path }] },
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(disk.content().equals(disk.before)).toBe(true);
    server.send(server.newOrder());
    expect(await agent.ended()).toBe(0);
    expect(diskIsRight()).toBe(true);
  });

  it('goes on writing while the socket is cut, and reports under the same epoch afterwards', async () => {
    await startWriting();
    server.cut();
    await until(() => server.hellos.length === 2);
    expect(server.hellos[1]).toMatchObject({ session: 's'.repeat(43), current_job: { epoch: 1 } });
    expect(await agent.ended()).toBe(0);
    expect(finished()).toMatchObject([{ outcome: 'succeeded', epoch: 1 }]);
    expect(diskIsRight()).toBe(true);
  });

  it('goes on after the server was killed and came back', async () => {
    await startWriting();
    const { order } = server;
    await server.close();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    server = new FakeAgentServer(image);
    server.order = order;
    await server.listen(Number(new URL(url).port));
    expect(await agent.ended()).toBe(0);
    expect(finished()).toMatchObject([{ outcome: 'succeeded' }]);
    expect(server.pack.requests.length).toBeGreaterThan(0);
    expect(diskIsRight()).toBe(true);
  });

  it('resumes an image transfer that is cut, and one that the server refuses for a while', async () => {
    server.pack.faults.push(
      { kind: 'status', status: 503 },
      { kind: 'cut', afterBytes: 500_000 },
      { kind: 'cut', afterBytes: MIB },
      { kind: 'cut', afterBytes: 5 * MIB },
    );
    server.order = server.newOrder();
    agent.start();
    expect(await agent.ended()).toBe(0);
    expect(diskIsRight()).toBe(true);
  });

  it('fetches a frame again that came damaged, and a map that did', async () => {
    server.pack.faults.push(...Array.from({ length: 3 }, () => ({ kind: 'flip', offsetBytes: 9 * MIB }) as const));
    const right = server.map;
    server.map = Buffer.alloc(1000);
    server.order = server.newOrder();
    agent.start();
    await until(() => agent.log.includes('it came damaged'));
    server.map = right;
    expect(await agent.ended()).toBe(0);
    expect(diskIsRight()).toBe(true);
  });

  it('keeps a result until the server has stored it', async () => {
    server.acknowledges = false;
    server.order = server.newOrder();
    agent.start();
    await until(() => finished().length === 1);
    agent.kill('SIGKILL');
    await agent.ended();
    server.acknowledges = true;
    const before = finished()[0];
    agent.start();
    await until(() => finished().length === 2);
    expect(finished()[1]).toEqual(before);
    expect(server.hellos.at(-1)).toMatchObject({ current_job: { epoch: 1 } });
    expect(diskIsRight()).toBe(true);
  });
});

describe('an agent that must not complete a disk leaves it without its first MiB', () => {
  it('when it is killed in mid-write; started again, it carries out the next epoch', async () => {
    await startWriting();
    agent.kill('SIGKILL');
    expect(await agent.ended()).toBe('SIGKILL');
    expect(headIsZero()).toBe(true);
    expect(finished()).toEqual([]);
    const { job_id } = server.newOrder({ job_id: server.order?.job_id ?? '' });
    server.order = server.newOrder({ job_id, epoch: 2 });
    agent.start();
    expect(await agent.ended()).toBe(0);
    expect(server.hellos.at(-1)).not.toHaveProperty('current_job');
    expect(finished()).toMatchObject([{ outcome: 'succeeded', epoch: 2 }]);
    expect(diskIsRight()).toBe(true);
  });

  it('when the server refuses the commit', async () => {
    server.onCommit = 'refuse';
    server.order = server.newOrder();
    agent.start();
    await until(() => server.of('flash.log').length > 0);
    expect(finished()).toMatchObject([
      { outcome: 'failed', error: { code: 'STALE_EPOCH', details: { partial_write: true } } },
    ]);
    expect(headIsZero()).toBe(true);
  });

  it('when it slept while the job was handed to a newer agent', async () => {
    await startWriting();
    agent.kill('SIGSTOP');
    server.onCommit = 'refuse';
    await new Promise((resolve) => setTimeout(resolve, 500));
    agent.kill('SIGCONT');
    await until(() => finished().length === 1);
    expect(finished()).toMatchObject([{ outcome: 'failed', error: { code: 'STALE_EPOCH' } }]);
    expect(headIsZero()).toBe(true);
  });

  it('when a newer agent has taken over: it stops writing at once and does not come back', async () => {
    await startWriting();
    server.cut(CLOSE_CODES.SUPERSEDED);
    await until(() => agent.log.includes('another agent has taken over'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const then = disk.content();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(disk.content().equals(then)).toBe(true);
    expect(headIsZero()).toBe(true);
    expect(server.hellos).toHaveLength(1);
    expect(server.of('commit.request')).toEqual([]);
  });

  it('when the job is cancelled, and takes the next order', async () => {
    await startWriting();
    const { job_id, epoch } = server.order ?? server.newOrder();
    server.send({ type: 'flash.cancel', job_id, epoch, code: 'CANCELLED', reason: 'by hand' });
    await until(() => finished().length === 1);
    expect(finished()).toMatchObject([
      { outcome: 'failed', error: { code: 'CANCELLED', details: { partial_write: true } } },
    ]);
    expect(headIsZero()).toBe(true);
    server.send(server.newOrder());
    expect(await agent.ended()).toBe(0);
    expect(diskIsRight()).toBe(true);
  });

  it('when it is told to end', async () => {
    await startWriting();
    agent.kill('SIGTERM');
    expect(await agent.ended()).toBe(0);
    expect(headIsZero()).toBe(true);
    expect(finished()).toMatchObject([{ outcome: 'failed', error: { code: 'CANCELLED' } }]);
  });

  it('when a byte is flipped on the way, each time it comes', async () => {
    const flip = { kind: 'flip', offsetBytes: 9 * MIB } as const;
    server.pack.faults.push(...Array.from({ length: 100 }, () => flip));
    server.order = server.newOrder();
    agent.start();
    await until(() => finished().length === 1);
    expect(finished()).toMatchObject([{ outcome: 'failed', error: { code: 'DIGEST_MISMATCH' } }]);
    expect(headIsZero()).toBe(true);
  });
});

describe('an agent that fails before it writes', () => {
  it('leaves the disk alone, uploads its log, stays, and takes the next order', async () => {
    server.order = server.newOrder({ target_hint: { serial: 'nobody' } });
    agent.start();
    await until(() => server.of('flash.log').length > 0);
    expect(finished()).toMatchObject([
      { error: { code: 'TARGET_NOT_FOUND', details: { disks: [{ path: disk.path }, { path: canary.path }] } } },
    ]);
    expect(server.of('flash.log')[0]?.text).toContain('TARGET_NOT_FOUND');
    expect(disk.content().equals(disk.before)).toBe(true);
    server.send(server.newOrder());
    expect(await agent.ended()).toBe(0);
    expect(diskIsRight()).toBe(true);
  });

  it('does so when the map is gone', async () => {
    server.map = undefined;
    server.order = server.newOrder();
    agent.start();
    await until(() => finished().length === 1);
    expect(finished()).toMatchObject([{ error: { code: 'IMAGE_UNAVAILABLE' } }]);
    expect(disk.content().equals(disk.before)).toBe(true);
  });
});

describe('the command line', () => {
  it.each([
    [['--version'], 0],
    [['help'], 0],
    [['agent'], 2],
    [['agent', '--server', 'x', '--mac', 'y'], 2],
    [['flsh'], 2],
    [['flash', '--image', 'x'], 2],
  ])('%j ends with %d', async (args, code) => {
    let exit = 0;
    try {
      execFileSync(process.execPath, [BUNDLE, ...args], { cwd: '/', env: {}, stdio: 'ignore' });
    } catch (error) {
      exit = (error as { status: number }).status;
    }
    expect(exit).toBe(code);
  });
});
