import { expected } from '@bty/image-format';
import { BtyError, type FlashStage, type FlashStart, type InventoryDisk, type NoCloudSeed } from '@bty/wire-types';
import { describe, expect, it } from 'vitest';
import { buildGptImage } from '../../../libs/image-format/src/gpt-image.builder.js';
import { InlineCrew } from './crew/inline-crew.js';
import { MemoryPack } from './engine/memory-pack.fake.js';
import { MemoryTarget } from './engine/memory-target.fake.js';
import { type PackedImage, packImage } from './engine/packed-image.builder.js';
import { patchwork } from './engine/patchwork.builder.js';
import { type FlashPorts, flash } from './pipeline.js';

const MIB = 1024 * 1024;
const SECTOR = 512;

function diskFor(sizeBytes: number): InventoryDisk {
  return {
    path: '/dev/memory',
    size_bytes: sizeBytes,
    logical_sector_bytes: SECTOR,
    serial: 'M-1',
    by_id: [],
    transport: 'virtio',
    removable: false,
    read_only: false,
    in_use: [],
  };
}

function orderFor({ job }: PackedImage, more: Partial<FlashStart> = {}): FlashStart {
  return {
    type: 'flash.start',
    job_id: '3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f',
    epoch: 1,
    image: job,
    verify: 'full',
    provisioning_mode: 'none',
    ...more,
  };
}

const SEED: NoCloudSeed = { instance_id: 'bty-1', meta_data: '', user_data: '#cloud-config\n' };

interface Run extends FlashPorts {
  stages: FlashStage[];
  happened: string[];
}

function portsFor(target: MemoryTarget, image: PackedImage, more: Partial<FlashPorts> = {}): Run {
  const stages: FlashStage[] = [];
  const happened: string[] = [];
  const frames = new MemoryPack(image.pack);
  return {
    stages,
    happened,
    listDisks: async () => [diskFor(target.sizeBytes)],
    openTarget: async () => target,
    fetchMap: async () => image,
    openPack: () => frames,
    openCrew: (disk, { map }, ports) => new InlineCrew(disk, map, { table: map, frames, ...ports }),
    onStage: (stage) => void stages.push(stage),
    onProgress: () => undefined,
    onTarget: (disk) => void happened.push(`target ${disk.path}`),
    log: () => undefined,
    commit: async () => void happened.push('commit'),
    prepareProvisioning: async ({ seed }) =>
      seed && (async ({ path }) => void happened.push(`seed ${seed.instance_id} on ${path}`)),
    rereadTable: async (path) => void happened.push(`reread ${path}, closed: ${target.closed}`),
    nowMs: () => 0,
    peakRssBytes: () => 1,
    ...more,
  };
}

const never = new AbortController().signal;

async function fail(target: MemoryTarget, image: PackedImage, more: Partial<FlashPorts>, order = orderFor(image)) {
  const ports = portsFor(target, image, more);
  const thrown: unknown = await flash(order, ports, never).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(BtyError);
  return { error: thrown as BtyError, ports };
}

describe('a flash job', () => {
  it('makes the chosen disk equal to the image, closes it, and shows the kernel its table', async () => {
    const raw = buildGptImage({ sizeBytes: 3 * MIB, fill: (bytes) => void patchwork(bytes.length, 7).copy(bytes) });
    const image = packImage(raw);
    const before = patchwork(5 * MIB, 8, 0);
    const target = new MemoryTarget(before);
    const ports = portsFor(target, image);
    const { result } = await flash(orderFor(image), ports, never);
    expect(target.medium.equals(expected(raw, before))).toBe(true);
    expect(ports.happened).toEqual(['target /dev/memory', 'commit', 'reread /dev/memory, closed: true']);
    expect(ports.stages[0]).toBe('preparing');
    expect(result).toMatchObject({
      target: { path: '/dev/memory', size_bytes: 5 * MIB, serial: 'M-1' },
      verify: 'full',
      bytes_verified: 4 * MIB,
      gpt_relocated: true,
      peak_rss_bytes: 1,
    });
    expect(result.bytes_fetched).toBeGreaterThan(image.bytes.length);
    expect(result.strategy_reason).toContain('0 of 16 sampled chunks');
  });
});

describe('a flash job with a seed', () => {
  // A partition from the second MiB on: the table of the builder begins its own before.
  const raw = patchwork(6 * MIB, 7);
  raw.fill(0, 0, 512);
  raw.writeUInt8(0x83, 446 + 4);
  raw.writeUInt32LE(2048, 446 + 8);
  raw.writeUInt32LE(4096, 446 + 12);
  raw.writeUInt16LE(0xaa55, 510);
  const image = packImage(raw);
  const order = orderFor(image, { provisioning_mode: 'cloud-init', seed: SEED });

  function headOf(target: MemoryTarget): 'blank' | 'there' {
    return target.medium.subarray(0, MIB).every((byte) => byte === 0) ? 'blank' : 'there';
  }

  it.each([
    ['another disk', patchwork(6 * MIB, 8, 0)],
    ['a disk that is right already', raw],
  ])('writes it to %s after the image was proved, without a first MiB, and before the grant', async (_name, before) => {
    const target = new MemoryTarget(before);
    const heads: string[] = [];
    const ports = portsFor(target, image, {
      prepareProvisioning:
        async () =>
        async ({ head }) => {
          heads.push(headOf(target), String(head.equals(raw.subarray(0, MIB))));
          ports.happened.push('seed');
        },
    });
    await flash(order, ports, never);
    expect(ports.happened).toEqual(['target /dev/memory', 'seed', 'commit', 'reread /dev/memory, closed: true']);
    expect(heads).toEqual(['blank', 'true']);
    expect(ports.stages.slice(-2)).toEqual(['provisioning', 'committing']);
    expect(target.medium.equals(raw)).toBe(true);
  });

  it('leaves the disk unable to boot when the seed cannot be written', async () => {
    const target = new MemoryTarget(raw);
    const prepareProvisioning = async () => async (): Promise<void> => {
      throw new BtyError('CLOUD_INIT_MISSING', 'no cloud-init');
    };
    const { error, ports } = await fail(target, image, { prepareProvisioning }, order);
    expect(error).toMatchObject({ code: 'CLOUD_INIT_MISSING', details: { partial_write: true } });
    expect(ports.happened).not.toContain('commit');
    expect(headOf(target)).toBe('blank');
  });
});

describe('a flash that cannot be done leaves the disk as it was', () => {
  const image = packImage(patchwork(3 * MIB, 4));
  const before = patchwork(4 * MIB, 5, 0);

  it.each<[string, Partial<FlashStart>, string]>([
    ['cijoe without a workflow', { provisioning_mode: 'cijoe' }, 'INVALID_REQUEST'],
    ['cloud-init without a seed', { provisioning_mode: 'cloud-init' }, 'INVALID_REQUEST'],
    ['a seed for an image without partitions', { seed: SEED }, 'ROOT_NOT_FOUND'],
    ['a hint that no disk matches', { target_hint: { serial: 'other' } }, 'TARGET_NOT_FOUND'],
    ['another size than the map has', { image: { ...image.job, content_size_bytes: 3 * MIB + 1 } }, 'IMAGE_INVALID'],
    ['another file than the map has', { image: { ...image.job, sha256: '0'.repeat(64) } }, 'IMAGE_INVALID'],
    ['other bytes than the map has', { image: { ...image.job, content_sha256: '0'.repeat(64) } }, 'IMAGE_INVALID'],
  ])('%s', async (_name, more, code) => {
    const target = new MemoryTarget(before);
    const { error } = await fail(target, image, {}, orderFor(image, more));
    expect(error.code).toBe(code);
    expect(target.writes).toEqual([]);
  });

  it('a disk that is one sector too small', async () => {
    const target = new MemoryTarget(before.subarray(0, 3 * MIB - SECTOR));
    const { error } = await fail(target, image, {});
    expect(error).toMatchObject({ code: 'TARGET_TOO_SMALL', details: { disks: [{ path: '/dev/memory' }] } });
    expect(target.writes).toEqual([]);
  });

  it('an image of another sector size', async () => {
    const large = packImage(buildGptImage({ sizeBytes: 3 * MIB, sectorBytes: 4096 }), { sectorBytes: 4096 });
    const target = new MemoryTarget(before);
    expect((await fail(target, large, {})).error.code).toBe('SECTOR_SIZE_MISMATCH');
    expect(target.writes).toEqual([]);
  });
});

describe('a flash job that fails', () => {
  it('closes the disk, and does not show the kernel its table', async () => {
    const image = packImage(patchwork(5 * MIB, 4));
    const target = new MemoryTarget(patchwork(6 * MIB, 5, 0));
    const commit = async (): Promise<void> => {
      throw new BtyError('STALE_EPOCH', 'refused');
    };
    const { error, ports } = await fail(target, image, { commit });
    expect(error).toMatchObject({ code: 'STALE_EPOCH', details: { partial_write: true } });
    expect(target.closed).toBe(true);
    expect(ports.happened).toEqual(['target /dev/memory']);
  });
});
