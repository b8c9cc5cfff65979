import 'reflect-metadata';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BtyError } from '@bty/wire-types';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { zstdContent, zstdContentSize } from '../src/index.js';
import { expand, MemorySource, streamOf } from './sources.js';

const directory = mkdtempSync(join(tmpdir(), 'bty-zstd-'));
afterAll(() => rmSync(directory, { recursive: true }));

const limits = { maxBytes: 2 ** 30 };
const SKIPPABLE = Buffer.from('\x53\x2a\x4d\x18\x05\0\0\0hello', 'latin1');

function pipe(command: string, args: string[], input: Buffer): Buffer {
  return execFileSync(command, args, { input, stdio: 'pipe', maxBuffer: 2 ** 28 });
}

/** Compresses through a file, so that the size is known, or through a pipe, so that it is not. */
function compressed(command: string, args: readonly string[], input: Buffer, bySize: boolean): Buffer {
  if (!bySize) return pipe(command, [...args, '-q', '-c'], input);
  const file = join(directory, 'input');
  writeFileSync(file, input);
  execFileSync(command, [...args, '-q', '-f', file, '-o', `${file}.zst`], { stdio: 'pipe' });
  return readFileSync(`${file}.zst`);
}

const disks = fc.record({
  bytes: fc.nat(400_000),
  seed: fc.string({ minLength: 1, maxLength: 3000 }),
  zeros: fc.nat(600_000),
});
const ways = fc.oneof(
  fc.record({
    command: fc.constant('zstd'),
    args: fc.constantFrom(
      ['-1'],
      ['-3'],
      ['-19'],
      ['-3', '--long=27'],
      ['--ultra', '-22'],
      ['--no-check'],
      ['--no-content-size'],
      ['-T2'],
      ['--rsyncable'],
    ),
    bySize: fc.boolean(),
  }),
  fc.record({ command: fc.constant('pzstd'), args: fc.constantFrom(['-p', '2'], ['-1']), bySize: fc.constant(true) }),
);

const frameGroups = fc.array(fc.record({ disk: disks, way: ways, skippable: fc.boolean() }), {
  minLength: 1,
  maxLength: 3,
});

describe('images that zstd made', () => {
  it('give the bytes that were compressed, in every layout', async () => {
    await fc.assert(
      fc.asyncProperty(frameGroups, fc.integer({ min: 100, max: 200_000 }), async (groups, chunkBytes) => {
        const raw: Buffer[] = [Buffer.alloc(512)];
        const file: Buffer[] = [compressed('zstd', [], Buffer.alloc(512), true)];
        for (const { disk, way, skippable } of groups) {
          const bytes = Buffer.concat([Buffer.alloc(disk.bytes, disk.seed), Buffer.alloc(disk.zeros)]);
          raw.push(bytes);
          file.push(compressed(way.command, way.args, bytes, way.bySize));
          if (skippable) file.push(SKIPPABLE);
        }
        const image = Buffer.concat(file);
        const disk = Buffer.concat(raw);
        expect((await expand(zstdContent(streamOf(image, chunkBytes), limits))).equals(disk)).toBe(true);
        expect([undefined, disk.length]).toContain(await zstdContentSize(new MemorySource(image)));
      }),
      { numRuns: 20 },
    );
  }, 60_000);

  it('are refused when zstd refuses them, and else give what zstd gives', async () => {
    const image = compressed('zstd', ['--no-check'], Buffer.alloc(90_000, 'bty flashes disk images. '), true);
    const whole = Buffer.concat([image, SKIPPABLE, image]);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length * 8 - 1), async (bit) => {
        const flipped = Buffer.from(whole);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        let judged: Buffer | undefined;
        try {
          judged = pipe('zstd', ['-dcq'], flipped);
        } catch {
          judged = undefined;
        }
        const outcome = await expand(zstdContent(streamOf(flipped), limits)).catch((thrown: unknown) => thrown);
        if (outcome instanceof Buffer) expect(judged?.equals(outcome)).toBe(true);
        else expect(outcome).toBeInstanceOf(BtyError);
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});

describe('the memory for an image of 600 MB', () => {
  /** Bytes by which the process grew at most while it decoded zeros that the command compressed. */
  async function growth(...args: string[]): Promise<{ rawBytes: number; grownBytes: number }> {
    const source = spawn('sh', ['-c', `head -c 600000000 /dev/zero | zstd -q -c ${args.join(' ')}`]);
    const before = process.memoryUsage.rss();
    let grownBytes = 0;
    let rawBytes = 0;
    for await (const piece of zstdContent(() => source.stdout, limits).pieces()) {
      rawBytes += 'bytes' in piece ? piece.bytes.length : 0;
      grownBytes = Math.max(grownBytes, process.memoryUsage.rss() - before);
    }
    return { rawBytes, grownBytes };
  }

  it('is small with the usual window', async () => {
    const { rawBytes, grownBytes } = await growth('-3');
    expect(rawBytes).toBe(600_000_000);
    expect(grownBytes).toBeLessThan(50_000_000);
  });

  it('is the window and little more with one of 128 MiB', async () => {
    const { rawBytes, grownBytes } = await growth('-3', '--long=27');
    expect(rawBytes).toBe(600_000_000);
    expect(grownBytes).toBeLessThan(128 * 2 ** 20 + 50_000_000);
  });

  it('is small when a window of 256 MiB is refused', async () => {
    await expect(growth('-3', '--long=28')).rejects.toThrow(/window of 268435456 bytes/);
  });
});
