import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expected } from '@bty/image-format';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const MIB = 1024 * 1024;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bty-gpt-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** An image as an operator makes one. */
function makeImage(sizeBytes: number, script: string): Buffer {
  const path = join(folder, 'image');
  rmSync(path, { force: true });
  writeFileSync(path, '');
  truncateSync(path, sizeBytes);
  execFileSync('sfdisk', ['--quiet', path], { input: script });
  return readFileSync(path);
}

function verify(disk: Buffer): { sgdisk: string; sfdisk: string } {
  const path = join(folder, 'disk');
  writeFileSync(path, disk);
  return {
    sgdisk: execFileSync('sgdisk', ['--verify', path]).toString(),
    sfdisk: execFileSync('sfdisk', ['--verify', path], { stdio: ['ignore', 'pipe', 'pipe'] }).toString(),
  };
}

describe('sgdisk and sfdisk find no fault with the expected disk', () => {
  const plain = 'label: gpt\nstart=2048, size=4096, type=U\nsize=2048\nsize=+\n';
  const bootable = 'label: gpt\nstart=2048, size=2048, type=U, attrs=LegacyBIOSBootable, name="EFI"\ntype=L\n';

  it.each([
    ['of the image’s size', 8 * MIB, 0, plain],
    ['one sector larger', 8 * MIB, 512, plain],
    ['thirty-two sectors larger', 8 * MIB, 32 * 512, plain],
    ['thirty-three sectors larger', 8 * MIB, 33 * 512, plain],
    ['half a MiB larger', 8 * MIB, MIB / 2, bootable],
    ['a MiB larger', 8 * MIB, MIB, bootable],
    ['five MiB and a sector larger', 12 * MIB, 5 * MIB + 512, bootable],
    ['forty MiB larger', 9 * MIB, 40 * MIB, plain],
  ])('that is %s', (_name, imageBytes, moreBytes, script) => {
    const image = makeImage(imageBytes, script);
    const before = Buffer.alloc(imageBytes + moreBytes, 0xd1);
    const { sgdisk, sfdisk } = verify(expected(image, before));
    expect(sgdisk).toContain('No problems found.');
    expect(sfdisk).toContain('No errors detected.');
  });

  it('whereas they do with the plain image on a larger disk', () => {
    const image = makeImage(8 * MIB, plain);
    expect(verify(Buffer.concat([image, Buffer.alloc(MIB)])).sgdisk).not.toContain('No problems found.');
  });
});
