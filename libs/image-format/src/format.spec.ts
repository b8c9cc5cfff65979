import { describe, expect, it } from 'vitest';
import { formatOfName, HEAD_BYTES, readFormat } from './format.js';

/** The head of a file with texts (latin1) at places in bytes. */
function head(...parts: [number, string][]): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES);
  for (const [at, text] of parts) bytes.write(text, at, 'latin1');
  return bytes;
}

const DISK = head([510, '\x55\xaa'], [450, '\x83']);
const QCOW2 = head([0, 'QFI\xfb\0\0\0\x03']);
const ZSTD = head([0, '\x28\xb5\x2f\xfd']);

describe('the format by name', () => {
  it.each([
    ['debian.img', 'img'],
    ['Debian.IMG', 'img'],
    ['debian.img.zst', 'img.zst'],
    ['debian.Img.Zst', 'img.zst'],
    ['debian.qcow2', 'qcow2'],
    ['debian.zst', undefined],
    ['debian.img.gz', undefined],
    ['debian.iso', undefined],
    ['img', undefined],
    ['.img', undefined],
    ['debian.qcow2.bak', undefined],
  ])('%s is %s', (name, format) => {
    expect(formatOfName(name)).toBe(format);
  });
});

describe('name and content agree', () => {
  it.each([
    ['disk.img', DISK, 'img'],
    ['blank.img', head(), 'img'],
    ['short.img', Buffer.from('x'), 'img'],
    ['disk.qcow2', QCOW2, 'qcow2'],
    ['disk.img.zst', ZSTD, 'img.zst'],
    ['skippable.img.zst', head([0, '\x5a\x2a\x4d\x18\x04\0\0\0skip\x28\xb5\x2f\xfd']), 'img.zst'],
    ['long-skippable.img.zst', head([0, '\x50\x2a\x4d\x18\0\0\x02\0']), 'img.zst'],
    ['hybrid-iso.img', head([510, '\x55\xaa'], [450, '\x17'], [32769, 'CD001']), 'img'],
    ['gpt-iso.img', head([512, 'EFI PART'], [32769, 'CD001']), 'img'],
  ] as const)('%s', (name, bytes, format) => {
    expect(readFormat(name, bytes)).toEqual({ kind: 'accepted', format });
  });
});

describe('refuses', () => {
  it.each([
    ['a raw disk that starts like qcow2', 'disk.img', QCOW2, /it is qcow2/],
    ['qcow of version 1', 'disk.qcow2', head([0, 'QFI\xfb\0\0\0\x01']), /it is qcow/],
    ['zstd named .img', 'disk.img', ZSTD, /compressed by zstd/],
    ['a skippable frame named .img', 'disk.img', head([0, '\x50\x2a\x4d\x18']), /skippable/],
    ['gzip', 'disk.img', head([0, '\x1f\x8b\x08']), /gzip/],
    ['xz', 'disk.img.zst', head([0, '\xfd7zXZ\0']), /xz/],
    ['bzip2', 'disk.img', head([0, 'BZh91AY&SY']), /bzip2/],
    ['lz4 after a skippable frame', 'd.img.zst', head([0, '\x50\x2a\x4d\x18\0\0\0\0\x04\x22\x4d\x18']), /lz4/],
    ['vmdk', 'disk.img', head([0, 'KDMV']), /VMDK/],
    ['a vmdk descriptor', 'disk.img', head([0, '# Disk DescriptorFile\nversion=1']), /VMDK/],
    ['vdi', 'disk.img', head([0, '<<< Oracle VM'], [64, '\x7f\x10\xda\xbe']), /VDI/],
    ['vhdx', 'disk.img', head([0, 'vhdxfile']), /VHDX/],
    ['vhd', 'disk.img', head([0, 'conectix']), /VHD/],
    ['qed', 'disk.img', head([0, 'QED\0']), /QED/],
    ['parallels', 'disk.img', head([0, 'WithouFreSpacExt']), /Parallels/],
    ['an Android sparse image', 'disk.img', head([0, '\x3a\xff\x26\xed']), /Android/],
    ['a tar archive', 'disk.img', head([257, 'ustar']), /tar/],
    ['a plain ISO', 'disk.img', head([32769, 'CD001']), /ISO 9660/],
    ['qcow2 and ISO at once', 'disk.qcow2', head([0, 'QFI\xfb\0\0\0\x03'], [32769, 'CD001']), /at once/],
    ['a raw disk named .qcow2', 'disk.qcow2', DISK, /no qcow2 file/],
    ['qcow2 named .img.zst', 'disk.img.zst', QCOW2, /it is qcow2/],
    ['a raw disk named .img.zst', 'disk.img.zst', DISK, /no zstd file/],
    ['an empty file', 'disk.img', Buffer.alloc(0), /empty/],
    ['another name', 'disk.iso', DISK, /not named/],
  ] as const)('%s', (_what, name, bytes, reason) => {
    expect(readFormat(name, bytes)).toMatchObject({ kind: 'refused', reason: expect.stringMatching(reason) });
  });
});
