import { randomBytes } from 'node:crypto';
import { MARGIN_BYTES } from '@bty/image-format';
import type { FlashFinished } from '@bty/wire-types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentProcess } from './agent-process.js';
import { FakeAgentServer } from './agent-server.fake.js';
import { type DiskFault, FailingDisk } from './failing-disk.js';

const MIB = 1024 * 1024;
const image = randomBytes(8 * MIB);

let server: FakeAgentServer;
let disk: FailingDisk;
let agent: AgentProcess;
let before: Buffer;

beforeEach(async () => {
  server = new FakeAgentServer(image);
});

afterEach(async () => {
  await agent.remove();
  await server.close();
  await disk.remove();
});

async function flashTo(faults: readonly DiskFault[]): Promise<void> {
  before = randomBytes(10 * MIB);
  disk = new FailingDisk(before, faults);
  await disk.attach();
  server.order = server.newOrder();
  agent = new AgentProcess(await server.listen(), [disk.path]);
  agent.start();
}

async function failure(): Promise<FlashFinished | undefined> {
  const deadline = Date.now() + 15_000;
  while (server.of('flash.finished').length === 0) {
    if (Date.now() > deadline) throw new Error(`no result; the agent says:\n${agent.log}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return server.of('flash.finished')[0];
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

const headIsZero = (): boolean =>
  disk
    .content()
    .subarray(0, MARGIN_BYTES)
    .every((byte) => byte === 0);

describe('a flash to a disk that fails', () => {
  it('to write a sector in the middle names that sector, and leaves no first MiB', async () => {
    await flashTo([{ iotype: 'write', errno: 5, sector: 8000 }]);
    expect(await failure()).toMatchObject({
      outcome: 'failed',
      error: { code: 'DISK_IO', details: { errno: 'EIO', lba: 8000, offset_bytes: 4_096_000 } },
    });
    expect(headIsZero()).toBe(true);
    expect(server.of('commit.request')).toEqual([]);
  });

  it('to read is never reported as done, and is left alone when that shows before the first write', async () => {
    await flashTo([{ iotype: 'read', errno: 5, sector: 3000 }]);
    const failed = await failure();
    expect(failed).toMatchObject({ outcome: 'failed', error: { code: 'DISK_IO', details: { errno: 'EIO' } } });
    if (failed?.error?.details?.partial_write) expect(headIsZero()).toBe(true);
    else expect(disk.content().equals(before)).toBe(true);
    expect(server.of('commit.request')).toEqual([]);
  });

  it('to write for want of room says so', async () => {
    await flashTo([{ iotype: 'write', errno: 28, sector: 12_000 }]);
    expect(await failure()).toMatchObject({
      outcome: 'failed',
      error: { code: 'DISK_IO', details: { errno: 'ENOSPC', lba: 12_000 } },
    });
    expect(headIsZero()).toBe(true);
    expect(server.of('commit.request')).toEqual([]);
  });

  it('to flush is never reported as done', async () => {
    await flashTo([{ iotype: 'flush', errno: 5 }]);
    expect(await failure()).toMatchObject({ outcome: 'failed', error: { code: 'DISK_IO', details: { errno: 'EIO' } } });
    expect(server.of('commit.request')).toEqual([]);
  });

  it('because it was pulled out in mid-write ends within seconds', async () => {
    server.pack.bytesPerSecond = 4 * MIB;
    await flashTo([]);
    await until(() => server.of('flash.stage').some(({ stage }) => stage === 'writing'));
    const sent = server.pack.bytesSent;
    await until(() => server.pack.bytesSent > sent + 2 * MIB);
    disk.vanish();
    expect(await failure()).toMatchObject({
      outcome: 'failed',
      error: { code: 'DISK_IO', details: { errno: expect.any(String), lba: expect.any(Number) } },
    });
    expect(server.of('commit.request')).toEqual([]);
    expect(headIsZero()).toBe(true);
  });
});
