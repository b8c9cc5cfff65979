import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { BtyError } from '@bty/wire-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openQcow2 } from '../src/index.js';
import { at, type Layout, make, oracle } from './qemu-images.js';
import { expand, MemorySource } from './sources.js';

const limits = { maxBytes: 2 ** 24 };

describe('damaged images that QEMU made', () => {
  /** Places of the header, the L1 table and the L2 tables. */
  function tables(file: Buffer): number[] {
    const clusterBytes = 2 ** file.readUInt32BE(20);
    const l1 = Number(file.readBigUInt64BE(40));
    const l1Bytes = file.readUInt32BE(36) * 8;
    const places = [...Array(112).keys(), ...Array.from({ length: l1Bytes }, (_, index) => l1 + index)];
    for (let entry = 0; entry < l1Bytes; entry += 8) {
      const l2 = Number(file.readBigUInt64BE(l1 + entry) & 0x00fffffffffffe00n);
      const used = Math.min(clusterBytes, 512);
      if (l2 > 0) places.push(...Array.from({ length: used }, (_, index) => l2 + index));
    }
    return places;
  }

  /** The bytes of the disk, or undefined when the file was refused; anything else is thrown. */
  async function readOrRefuse(source: MemorySource): Promise<Buffer | undefined> {
    try {
      return await expand(await openQcow2(source, limits));
    } catch (thrown) {
      if (thrown instanceof BtyError && thrown.code.startsWith('IMAGE_')) return undefined;
      throw thrown;
    }
  }

  function oracleOrNothing(file: Buffer): Buffer | undefined {
    writeFileSync(at('damaged.qcow2'), file);
    try {
      return oracle(at('damaged.qcow2'));
    } catch {
      return undefined;
    }
  }

  it.each<[string, Partial<Layout>]>([
    ['plain and compressed', { clusterBits: 9, compression: 'zlib', filling: 'compressed' }],
    ['zstd', { clusterBits: 12, compression: 'zstd', filling: 'compressed' }],
    ['subclusters', { clusterBits: 14, subclusters: true }],
    ['version 2', { clusterBits: 10, version: 2, filling: 'plain' }],
  ])(
    'are read as qemu-img reads them, or refused: %s',
    async (_what, part) => {
      const write = (command: string, start: number) => ({ command, start, length: 40, byte: 0xa5 });
      const writes = [write('write', 3), write('write', 130), write('write -z', 60), write('write', 250)];
      const file = make(
        {
          clusterBits: 9,
          version: 3,
          compression: 'zlib',
          preallocation: 'off',
          subclusters: false,
          sectors: 300,
          filling: 'none',
          ...part,
          writes,
        },
        at('whole.qcow2'),
      );
      const whole = oracle(at('whole.qcow2'));
      const places = tables(file);
      const change = fc.tuple(fc.nat(places.length - 1), fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 0x40, 0x80)));
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
          const damaged = Buffer.from(file);
          for (const [place, byte] of changes) damaged[places[place] ?? 0] = byte;
          const source = new MemorySource(damaged);
          const disk = await readOrRefuse(source);
          expect(source.readBytes).toBeLessThan(3 * limits.maxBytes);
          if (!disk || disk.equals(whole)) return;
          const judged = oracleOrNothing(damaged);
          if (judged) expect(disk.equals(judged)).toBe(true);
        }),
        { numRuns: 300 },
      );
    },
    60_000,
  );
});
