import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { allocateAligned } from '../src/engine/aligned-memory.js';
import type { BlockTarget } from '../src/engine/block-target.js';
import { DeviceTarget } from '../src/engine/block-target-device.js';
import { MemoryTarget } from '../src/engine/memory-target.fake.js';
import { listDisks } from '../src/target/list-disks.js';
import { MACHINE_ROOTS } from '../src/target/machine-roots.js';
import { openTarget } from '../src/target/open-target.js';
import { findMemberships } from '../src/target/signatures.js';
import { LoopDisk } from './loop-disk.js';

const BYTES = 3 * 1024 * 1024;

const undo: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function fileTarget(before: Buffer, direct: boolean): Promise<BlockTarget> {
  const folder = mkdtempSync(join(tmpdir(), 'bty-target-'));
  const path = join(folder, 'disk');
  writeFileSync(path, before);
  const handle = await open(path, constants.O_RDWR | (direct ? constants.O_DIRECT : 0));
  undo.push(
    () => rmSync(folder, { recursive: true }),
    () => handle.close(),
  );
  const device = { fd: handle.fd, path, sizeBytes: BYTES, sectorBytes: 512, direct, rotational: false };
  return new DeviceTarget(device, { dropCache: async () => undefined, close: async () => undefined });
}

async function loopTarget(before: Buffer, sectorBytes: 512 | 4096): Promise<BlockTarget> {
  const disk = new LoopDisk(before, { sectorBytes });
  const [chosen] = await listDisks(MACHINE_ROOTS, findMemberships, [disk.path]);
  if (chosen === undefined) throw new Error('no disk');
  const target = await openTarget(MACHINE_ROOTS, chosen);
  undo.push(
    () => disk.remove(),
    () => target.close(),
  );
  return target;
}

const kinds: [string, (before: Buffer) => Promise<BlockTarget>][] = [
  ['in memory', async (before) => new MemoryTarget(before)],
  ['that is a file', (before) => fileTarget(before, false)],
  ['that is a file, past the cache', (before) => fileTarget(before, true)],
  ['that is a loop device', (before) => loopTarget(before, 512)],
  ['that is a loop device with sectors of 4096 bytes', (before) => loopTarget(before, 4096)],
];

interface Step {
  kind: 'write' | 'zero' | 'read' | 'flush';
  at: number;
  bytes: number;
  aligned: boolean;
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom<Step['kind']>('write', 'write', 'zero', 'read', 'flush'),
    at: fc.nat(BYTES - 1),
    bytes: fc.integer({ min: 1, max: 1_300_000 }),
    aligned: fc.boolean(),
  }),
  { maxLength: 12 },
);

async function take(target: BlockTarget, model: Buffer, step: Step): Promise<void> {
  const grain = step.aligned ? 4096 : 1;
  const at = step.at - (step.at % grain);
  const bytes = Math.min(BYTES - at, Math.ceil(step.bytes / grain) * grain);
  const memory = step.aligned ? allocateAligned(bytes) : Buffer.alloc(bytes);
  if (step.kind === 'flush') await target.flush();
  else if (step.kind === 'zero') {
    await target.zero({ offsetBytes: at, lengthBytes: bytes });
    model.fill(0, at, at + bytes);
  } else if (step.kind === 'write') {
    randomBytes(bytes).copy(memory);
    await target.write(memory, at);
    memory.copy(model, at);
  } else {
    await target.read(memory, at);
    expect(memory.equals(model.subarray(at, at + bytes))).toBe(true);
  }
}

describe.each(kinds)('a target %s', (_name, make) => {
  it('holds exactly what was written and zeroed, wherever and however', async () => {
    const before = randomBytes(BYTES);
    const target = await make(before);
    const model = Buffer.from(before);
    const whole = allocateAligned(BYTES);
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        for (const step of taken) await take(target, model, step);
        await target.flush();
        await target.read(whole, 0);
        expect(whole.equals(model)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it('takes many accesses at once', async () => {
    const target = await make(randomBytes(BYTES));
    const model = Buffer.alloc(BYTES);
    await Promise.all(
      Array.from({ length: 24 }, async (_, index) => {
        const at = index * (BYTES / 24);
        const memory = index % 2 === 0 ? allocateAligned(BYTES / 24) : Buffer.alloc(BYTES / 24);
        randomBytes(memory.length).copy(memory);
        memory.copy(model, at);
        await (index % 3 === 0
          ? target.zero({ offsetBytes: at, lengthBytes: memory.length })
          : target.write(memory, at));
        if (index % 3 === 0) model.fill(0, at, at + memory.length);
      }),
    );
    const whole = Buffer.alloc(BYTES);
    await target.read(whole, 0);
    expect(whole.equals(model)).toBe(true);
  });

  it('fails with its place beyond its end', async () => {
    const target = await make(randomBytes(BYTES));
    await expect(target.read(allocateAligned(8192), BYTES - 4096)).rejects.toMatchObject({ code: 'DISK_IO' });
  });
});
