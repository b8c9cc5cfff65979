import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildGptImage } from '../../../../libs/image-format/src/gpt-image.builder.js';
import { readDiskContent, readHolding } from './disk-content.js';

const MIB = 1024 * 1024;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bty-content-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const disk = (content: Buffer) => {
  const path = join(folder, 'disk');
  writeFileSync(path, content);
  return { path, logical_sector_bytes: 512 };
};

describe('what blkid says', () => {
  it.each([
    ['DEVNAME=/dev/sda1\nLABEL=MY\\ DATA\nUUID=1-2\nTYPE=ext4\nUSAGE=filesystem\n', { type: 'ext4', label: 'MY DATA' }],
    ['TYPE=LVM2_member\n', { type: 'LVM2_member' }],
    ['PTUUID=1\nPTTYPE=gpt\n', {}],
    ['LABEL=a=b\nTYPE=vfat\n', { type: 'vfat', label: 'a=b' }],
  ])('%j', (text, holding) => expect(readHolding(text)).toEqual(holding));
});

describe('what is on a disk', () => {
  it('is asked for at the place of every partition of its table', async () => {
    const asked: unknown[] = [];
    const content = await readDiskContent(disk(buildGptImage({ sizeBytes: 8 * MIB })), async (_path, range) => {
      asked.push(range);
      return { type: 'ext4' };
    });
    expect(content).toMatchObject({ table: 'gpt', partitions: [{ number: 1, type: 'ext4' }] });
    const [partition] = content.partitions;
    expect(asked).toEqual([{ offsetBytes: partition?.offset_bytes, lengthBytes: partition?.size_bytes }]);
  });

  it('is what the whole disk holds when it has no table', async () => {
    const content = await readDiskContent(disk(Buffer.alloc(4 * MIB)), async () => ({ type: 'xfs', label: 'DATA' }));
    expect(content).toEqual({ table: 'none', partitions: [], type: 'xfs', label: 'DATA' });
  });

  it('fails when the disk cannot be opened', async () => {
    const gone = { path: join(folder, 'gone'), logical_sector_bytes: 512 };
    await expect(readDiskContent(gone, async () => ({}))).rejects.toMatchObject({ code: 'DISK_IO' });
  });
});
