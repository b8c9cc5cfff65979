import type { ImageFormat } from '@bty/wire-types';
import { startsSkippable, startsZstd } from './zstd/frame-header.js';

/** Bytes from the start of a file that tell its format: up to the first volume descriptor of ISO 9660, rounded up. */
export const HEAD_BYTES = 64 * 1024;

/** Either the format, or the reason why the file is none that bty takes. */
export type FormatReading = { kind: 'accepted'; format: ImageFormat } | { kind: 'refused'; reason: string };

const SUFFIXES: readonly [string, ImageFormat][] = [
  ['.img.zst', 'img.zst'],
  ['.qcow2', 'qcow2'],
  ['.img', 'img'],
];

/** The format that a file's name promises, upper and lower case alike; undefined when it promises none that bty takes. */
export function formatOfName(name: string): ImageFormat | undefined {
  const lower = name.toLowerCase();
  return SUFFIXES.find(([suffix]) => lower.endsWith(suffix) && lower.length > suffix.length)?.[1];
}

interface Signature {
  is: string;
  atBytes: number;
  bytes: Buffer;
}

const text = (is: string, value: string, atBytes = 0): Signature => ({
  is,
  atBytes,
  bytes: Buffer.from(value, 'latin1'),
});

/**
 * What can stand at the head of a file that is a container for a disk or a compressed disk, and never a disk. From the
 * formats' own documents and QEMU's block drivers (their `probe` functions).
 */
const FOREIGN: readonly Signature[] = [
  text('qcow', 'QFI\xfb\0\0\0\x01'),
  text('a VMDK disk', 'KDMV'),
  text('a VMDK disk', 'COWD'),
  text('a VMDK descriptor', '# Disk DescriptorFile'),
  text('a VDI disk', '\x7f\x10\xda\xbe', 64),
  text('a VHDX disk', 'vhdxfile'),
  text('a VHD disk', 'conectix'),
  text('a QED disk', 'QED\0'),
  text('a Parallels disk', 'WithoutFreeSpace'),
  text('a Parallels disk', 'WithouFreSpacExt'),
  text('an Android sparse image', '\x3a\xff\x26\xed'),
  text('compressed by gzip', '\x1f\x8b\x08'),
  text('compressed by xz', '\xfd7zXZ\0'),
  text('compressed by lz4', '\x04\x22\x4d\x18'),
  text('a zip archive', 'PK\x03\x04'),
  text('a 7z archive', '7z\xbc\xaf\x27\x1c'),
  text('a tar archive', 'ustar', 257),
];
const BZIP2 = /^BZh[1-9]1AY&SY/;
const QCOW2 = text('qcow2', 'QFI\xfb');
const ISO = text('an ISO 9660 file system', 'CD001', 32769);
const MBR_SIGNATURE = text('an MBR', '\x55\xaa', 510);
const GPT_SIGNATURES = [text('a GPT', 'EFI PART', 512), text('a GPT', 'EFI PART', 4096)];
const MBR_TYPES = [450, 466, 482, 498];

function has(head: Uint8Array, { atBytes, bytes }: Signature): boolean {
  return bytes.equals(head.subarray(atBytes, atBytes + bytes.length));
}

/** A hybrid ISO carries a partition table beside its file system, so that firmware boots it from a disk too. */
function hasPartitionTable(head: Uint8Array): boolean {
  if (GPT_SIGNATURES.some((signature) => has(head, signature))) return true;
  return has(head, MBR_SIGNATURE) && MBR_TYPES.some((at) => (head[at] ?? 0) !== 0);
}

/**
 * What the first HEAD_BYTES of supposed disk bytes are instead, for a message: `qcow2`, `compressed by zstd` ...;
 * undefined when nothing speaks against a raw disk. A plain ISO is refused, for no firmware boots it from a disk; a
 * hybrid ISO is a disk image (it is made to be copied to a stick) and passes.
 */
export function foreignFormat(head: Uint8Array): string | undefined {
  if (startsZstd(head.subarray(0, 4)) && head.length >= 4) return 'compressed by zstd';
  const foreign = FOREIGN.find((signature) => has(head, signature));
  if (foreign) return foreign.is;
  if (has(head, QCOW2)) return QCOW2.is;
  if (BZIP2.test(Buffer.from(head.subarray(0, 10)).toString('latin1'))) return 'compressed by bzip2';
  if (head.length >= 8 && startsSkippable(head)) return 'compressed by zstd or lz4 (a skippable frame leads)';
  if (has(head, ISO) && !hasPartitionTable(head)) return 'an ISO 9660 file system without a partition table';
  return undefined;
}

/** Steps over the skippable frames that lead; whether a zstd frame follows, or may follow after the head. */
function startsZstdFile(head: Uint8Array): boolean {
  let rest = Buffer.from(head.buffer, head.byteOffset, head.length);
  while (rest.length >= 8 && startsSkippable(rest)) rest = rest.subarray(8 + rest.readUInt32LE(4));
  const steppedOver = rest.byteOffset > head.byteOffset || rest.length === 0;
  return head.length > 0 && (rest.length === 0 ? steppedOver : startsZstd(rest) || startsSkippable(rest));
}

/**
 * The format of an image file by its name and by its first HEAD_BYTES (fewer only when the file has fewer). Both must say
 * the same: what is told apart by content alone can be forged (a guest that writes a qcow2 header to its raw disk), and
 * what is told by name alone flashes a container instead of a disk.
 */
export function readFormat(name: string, head: Uint8Array): FormatReading {
  const format = formatOfName(name);
  const refused = (reason: string): FormatReading => ({ kind: 'refused', reason: `${name}: ${reason}` });
  if (format === undefined) return refused('not named .img, .img.zst or .qcow2');
  if (head.length === 0) return refused('the file is empty');
  const found = foreignFormat(head);
  if (format === 'img' && found !== undefined) return refused(`named .img, but it is ${found}`);
  if (format === 'qcow2' && found !== QCOW2.is) return refused(`named .qcow2, but it is ${found ?? 'no qcow2 file'}`);
  if (format === 'qcow2' && has(head, ISO)) return refused('it is qcow2 and ISO 9660 at once');
  if (format === 'img.zst' && !startsZstdFile(head)) {
    return refused(`named .img.zst, but it is ${found ?? 'no zstd file'}`);
  }
  return { kind: 'accepted', format };
}
