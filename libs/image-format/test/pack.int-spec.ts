import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PackWriter } from '../src/index.js';
import { packOf } from '../src/pack/pack-of.builder.js';
import { filling } from './qemu-images.js';

const directory = mkdtempSync(join(tmpdir(), 'bty-pack-'));
afterAll(() => rmSync(directory, { recursive: true }));

function unpacked(pack: Buffer): Buffer {
  return execFileSync('zstd', ['-dcq'], { input: pack, maxBuffer: 2 ** 28 });
}

/** The frames of a pack by its seek table alone, as zstd's document of the seekable format describes it. */
function framesOf(pack: Buffer): { compressed: number; content: number }[] {
  expect(pack.readUInt32LE(pack.length - 4)).toBe(0x8f92eab1);
  expect(pack.readUInt8(pack.length - 5)).toBe(0);
  const count = pack.readUInt32LE(pack.length - 9);
  const tableAt = pack.length - 9 - 8 * count - 8;
  expect(pack.readUInt32LE(tableAt)).toBe(0x184d2a5e);
  expect(pack.readUInt32LE(tableAt + 4)).toBe(8 * count + 9);
  return Array.from({ length: count }, (_, index) => ({
    compressed: pack.readUInt32LE(tableAt + 8 + 8 * index),
    content: pack.readUInt32LE(tableAt + 12 + 8 * index),
  }));
}

describe('a pack', () => {
  it.each([4096, 131_072, 4_194_304])('of chunks of %d bytes is what zstd -d makes the disk of', (chunkBytes) => {
    const disk = filling(3_000_512);
    const { pack } = packOf(disk, chunkBytes);
    expect(unpacked(pack).equals(disk)).toBe(true);
    writeFileSync(join(directory, 'pack.zst'), pack);
    expect(spawnSync('zstd', ['-tq', join(directory, 'pack.zst')]).status).toBe(0);
  });

  it('lets zstd read each frame by itself, where the seek table says', () => {
    const disk = filling(1_000_448);
    const { pack } = packOf(disk, 65536);
    let at = 0;
    let offset = 0;
    for (const { compressed, content } of framesOf(pack)) {
      expect(unpacked(pack.subarray(at, at + compressed)).equals(disk.subarray(offset, offset + content))).toBe(true);
      at += compressed;
      offset += content;
    }
    expect(offset).toBe(disk.length);
  });

  it('gives hundreds of megabytes of zeros, for which zstd needs no large window', () => {
    const writer = new PackWriter(131_072);
    writer.zeros(300_000_256);
    const facts = { sha256: '0'.repeat(64), contentSha256: '0'.repeat(64), sectorBytes: undefined };
    const pack = join(directory, 'zeros.zst');
    writeFileSync(pack, Buffer.concat(writer.end(facts).rest));
    writeFileSync(join(directory, 'zeros'), '');
    truncateSync(join(directory, 'zeros'), 300_000_256);
    execFileSync('sh', ['-c', `zstd -dcq --memory=1MiB ${pack} | cmp - ${join(directory, 'zeros')}`]);
  });
});
