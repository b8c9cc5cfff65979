import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll } from 'vitest';

const directory = mkdtempSync(join(tmpdir(), 'bty-qcow2-'));
/** The path of a scratch file. */
export const at = (name: string) => join(directory, name);
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs a command to its end; throws with what it said when it fails. */
export function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: 'pipe' });
}

/** What the oracle reads out of a qcow2 file. */
export function oracle(file: string): Buffer {
  run('qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', file, at('oracle.raw'));
  return readFileSync(at('oracle.raw'));
}

/** An image as qemu-img and qemu-io can make it. */
export interface Layout {
  clusterBits: number;
  version: 2 | 3;
  compression: 'zlib' | 'zstd';
  preallocation: 'off' | 'metadata' | 'falloc' | 'full';
  subclusters: boolean;
  sectors: number;
  /** What the image is filled with first; `none` leaves it empty. */
  filling: 'none' | 'plain' | 'compressed';
  writes: { command: string; start: number; length: number; byte: number }[];
}

export const layouts = fc
  .record<Layout>({
    clusterBits: fc.integer({ min: 9, max: 21 }),
    version: fc.constantFrom(2, 3),
    compression: fc.constantFrom('zlib', 'zstd'),
    preallocation: fc.constantFrom('off', 'metadata', 'falloc', 'full'),
    subclusters: fc.boolean(),
    sectors: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 300, max: 9000 })),
    filling: fc.constantFrom('none', 'plain', 'compressed'),
    writes: fc.array(
      fc.record({
        command: fc.constantFrom('write', 'write', 'write -z', 'write -z -u', 'discard', 'write -c'),
        start: fc.nat(2 ** 16),
        length: fc.integer({ min: 1, max: 700 }),
        byte: fc.nat(255),
      }),
      { maxLength: 12 },
    ),
  })
  .map((layout): Layout => {
    const subclusters = layout.subclusters && layout.version === 3 && layout.clusterBits >= 14;
    const filled = layout.filling !== 'none';
    return {
      ...layout,
      subclusters,
      compression: layout.version === 2 ? 'zlib' : layout.compression,
      preallocation: filled ? 'off' : layout.preallocation,
    };
  });

function qemuOptions(layout: Layout): string {
  const options = [
    `cluster_size=${2 ** layout.clusterBits}`,
    `compat=${layout.version === 2 ? '0.10' : '1.1'}`,
    `preallocation=${layout.preallocation}`,
  ];
  if (layout.version === 3) options.push(`compression_type=${layout.compression}`);
  if (layout.subclusters) options.push('extended_l2=on');
  return options.join(',');
}

function ioCommands(layout: Layout): string[] {
  return layout.writes.flatMap(({ command, start, length, byte }) => {
    const compressed = command === 'write -c';
    const unit = compressed ? Math.max(2 ** layout.clusterBits / 512, 1) : 1;
    const first = Math.floor((start % layout.sectors) / unit) * unit;
    const sectors = compressed ? Math.min(unit, layout.sectors - first) : Math.min(length, layout.sectors - first);
    const pattern = command.startsWith('write -z') || command === 'discard' ? '' : `-P ${byte} `;
    return ['-c', `${command} ${pattern}${first * 512} ${sectors * 512}`];
  });
}

/** Bytes that compress in part, with stretches of zeros. */
export function filling(bytes: number): Buffer {
  const disk = Buffer.alloc(bytes);
  for (let offset = 0; offset < bytes; offset += 512) {
    const kind = Math.floor(offset / 20_000) % 3;
    if (kind === 1) disk.fill(`block ${offset}`, offset, offset + 512);
    if (kind === 2) for (let index = offset; index < offset + 512; index += 1) disk[index] = (index * index * 31) >> 7;
  }
  return disk;
}

/** Makes the image; gives the bytes of its file. */
export function make(layout: Layout, file: string): Buffer {
  const options = qemuOptions(layout);
  if (layout.filling === 'none') {
    run('qemu-img', 'create', '-q', '-f', 'qcow2', '-o', options, file, String(layout.sectors * 512));
  } else {
    writeFileSync(at('filling.raw'), filling(layout.sectors * 512));
    const compressed = layout.filling === 'compressed' ? ['-c'] : [];
    run('qemu-img', 'convert', ...compressed, '-f', 'raw', '-O', 'qcow2', '-o', options, at('filling.raw'), file);
  }
  // QEMU cannot write every pattern everywhere (compressed over allocated clusters): what it did write is what counts
  if (layout.writes.length > 0)
    spawnSync('qemu-io', ['-f', 'qcow2', '-t', 'unsafe', '-d', 'unmap', ...ioCommands(layout), file]);
  return readFileSync(file);
}
