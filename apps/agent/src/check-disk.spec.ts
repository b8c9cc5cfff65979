import { expected } from '@bty/image-format';
import { BtyError, type CheckStart, type FlashStage, type InventoryDisk, parseAgentFrame } from '@bty/wire-types';
import { describe, expect, it } from 'vitest';
import { buildGptImage } from '../../../libs/image-format/src/gpt-image.builder.js';
import { type CheckPorts, checkDisk } from './check-disk.js';
import { InlineCrew } from './crew/inline-crew.js';
import { MemoryPack } from './engine/memory-pack.fake.js';
import { MemoryTarget } from './engine/memory-target.fake.js';
import { packImage } from './engine/packed-image.builder.js';
import { patchwork } from './engine/patchwork.builder.js';

const MIB = 1024 * 1024;
const IMAGE = buildGptImage({ sizeBytes: 8 * MIB, fill: (bytes) => void patchwork(bytes.length, 5).copy(bytes) });
const PACKED = packImage(IMAGE);
const never = new AbortController().signal;

function diskFor(target: MemoryTarget, more: Partial<InventoryDisk> = {}): InventoryDisk {
  return {
    path: '/dev/memory',
    size_bytes: target.sizeBytes,
    logical_sector_bytes: 512,
    serial: 'M-1',
    by_id: [],
    transport: 'virtio',
    removable: false,
    read_only: false,
    in_use: [],
    ...more,
  };
}

function order(more: Partial<CheckStart> = {}): CheckStart {
  const job_id = '3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f';
  return { type: 'check.start', job_id, epoch: 1, image: PACKED.job, ...more };
}

interface Run extends CheckPorts {
  stages: FlashStage[];
  opened: string[];
}

function portsFor(target: MemoryTarget, disks = [diskFor(target)]): Run {
  const stages: FlashStage[] = [];
  const opened: string[] = [];
  return {
    stages,
    opened,
    listDisks: async () => disks,
    openForReading: async ({ path }) => {
      opened.push(path);
      return target;
    },
    fetchMap: async () => PACKED,
    openPack: () => new MemoryPack(PACKED.pack),
    openCrew: (disk, { map }) => new InlineCrew(disk, map),
    onStage: (stage) => void stages.push(stage),
    onProgress: () => undefined,
    onTarget: () => undefined,
    log: () => undefined,
    nowMs: () => 0,
  };
}

/** A disk that a flash has left, where the given bytes have changed since. */
function flashed(changes: readonly number[] = [], sizeBytes = 10 * MIB): MemoryTarget {
  const content = expected(IMAGE, Buffer.alloc(sizeBytes, 7));
  for (const at of changes) content[at] = (content[at] ?? 0) ^ 1;
  return new MemoryTarget(content);
}

const refusal = (ports: CheckPorts, wish = order()): Promise<unknown> =>
  checkDisk(wish, ports, never).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a check of a disk', () => {
  it('that was flashed says that it is equal, writes nothing, and closes it', async () => {
    const target = flashed();
    const ports = portsFor(target);
    expect(await checkDisk(order(), ports, never)).toMatchObject({
      target: { path: '/dev/memory', size_bytes: 10 * MIB, serial: 'M-1' },
      equal: true,
      compared_bytes: 9 * MIB,
      differing_bytes: 0,
      differing_share: 0,
      ranges: [],
      partitions: [],
    });
    expect(ports.stages).toEqual(['preparing', 'comparing']);
    expect([target.writes, target.flushes, target.closed]).toEqual([[], 0, true]);
  });

  it('says where it differs, and in which partition', async () => {
    const target = flashed([600, 5 * MIB + 1, 5 * MIB + 70_000, 10 * MIB - 1]);
    const found = await checkDisk(order(), portsFor(target), never);
    expect(found).toMatchObject({
      equal: false,
      differing_bytes: 2 * 4096 + 128 * 1024,
      ranges: [
        { offset_bytes: 0, length_bytes: 4096 },
        { offset_bytes: 5 * MIB, length_bytes: 128 * 1024 },
        { offset_bytes: 10 * MIB - 4096, length_bytes: 4096 },
      ],
      partitions: [{ number: 1, differing_bytes: 128 * 1024 }],
      differing_bytes_outside_partitions: 8192,
    });
    expect(found.differing_share).toBeCloseTo((2 * 4096 + 128 * 1024) / (9 * MIB), 12);
    expect(target.writes).toEqual([]);
  });

  it('that differs everywhere fits a frame of the protocol', async () => {
    const changes = Array.from({ length: (8 * MIB) / 8192 }, (_, index) => index * 8192);
    const head = changes.filter((at) => at < MIB);
    const body = changes.filter((at) => at >= MIB && Math.floor(at / 65_536) % 2 === 0);
    const result = await checkDisk(order(), portsFor(flashed([...head, ...body])), never);
    const frame = JSON.stringify({ type: 'check.finished', ...jobRef(), seq: 1, outcome: 'succeeded', result });
    expect(parseAgentFrame(frame).problem).toBeUndefined();
  });

  it.each([
    ['is read-only', { read_only: true }],
    ['is in use', { in_use: ['/dev/memory1 is mounted on /'] }],
    ['may be a part of other storage', { member_of: ['LVM2_member on /dev/memory1'] }],
  ])('looks at one that %s', async (_name, more) => {
    const target = flashed();
    expect((await checkDisk(order(), portsFor(target, [diskFor(target, more)]), never)).equal).toBe(true);
  });

  it('looks at the one that a flash would take, not at others that may be read as well', async () => {
    const target = flashed();
    const other = diskFor(target, { path: '/dev/other', serial: 'O-1', member_of: ['LVM2_member on /dev/other'] });
    const ports = portsFor(target, [other, diskFor(target)]);
    await checkDisk(order(), ports, never);
    expect(ports.opened).toEqual(['/dev/memory']);
  });

  it('is refused with the reasons when several may be meant, none is, or the image cannot be on it', async () => {
    const target = flashed();
    const two = portsFor(target, [diskFor(target), diskFor(target, { path: '/dev/other', serial: 'O-1' })]);
    expect(await refusal(two)).toMatchObject({ code: 'TARGET_AMBIGUOUS', details: { disks: [{}, {}] } });
    const hinted = order({ target_hint: { serial: 'nobody' } });
    expect(await refusal(portsFor(target), hinted)).toMatchObject({ code: 'TARGET_NOT_FOUND' });
    const small = new MemoryTarget(Buffer.alloc(8 * MIB - 512));
    expect(await refusal(portsFor(small))).toMatchObject({ code: 'TARGET_TOO_SMALL' });
    expect([two.opened, target.closed]).toEqual([[], false]);
  });

  it('is refused when order and map are not about one image', async () => {
    const wrong = order({ image: { ...PACKED.job, content_sha256: 'a'.repeat(64) } });
    expect(await refusal(portsFor(flashed()), wrong)).toMatchObject({ code: 'IMAGE_INVALID' });
  });

  it('ends when it is told to, and when the disk cannot be read, with the disk closed', async () => {
    const target = flashed();
    const abort = new AbortController();
    target.beforeRead = () => abort.abort(new BtyError('CANCELLED', 'by hand'));
    await expect(checkDisk(order(), portsFor(target), abort.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(target.closed).toBe(true);
    const broken = flashed();
    broken.beforeRead = (offsetBytes) => {
      if (offsetBytes >= 3 * MIB) throw new BtyError('DISK_IO', 'cannot be read', { details: { lba: 6144 } });
    };
    expect(await refusal(portsFor(broken))).toMatchObject({ code: 'DISK_IO', details: { lba: 6144 } });
    expect(broken.closed).toBe(true);
  });
});

function jobRef() {
  return { job_id: order().job_id, epoch: 1 };
}
