import { BtyError } from '@bty/wire-types/errors';

/** What the header of a qcow2 file says that a reader needs (QEMU docs/interop/qcow2.rst, "Header"). Sizes in bytes. */
export interface Qcow2Header {
  version: 2 | 3;
  clusterBits: number;
  clusterBytes: number;
  virtualSizeBytes: number;
  l1OffsetBytes: number;
  /** Entries of the active L1 table as stated; at least as many as the virtual size needs. */
  l1Entries: number;
  compression: 'zlib' | 'zstd';
  /** Extended L2 entries: 16 bytes each, with a state per 1/32 of a cluster. */
  subclusters: boolean;
}

const V2_HEADER_BYTES = 72;
/** Bytes to read for the header: version 3 with the compression type, padded. */
export const HEADER_BYTES = 112;

const MAGIC = 0x514649fb;
const V3_HEADER_BYTES = 104;
const COMPRESSION_TYPE_AT = 104;
const SECTOR_BYTES = 512;
const MIN_CLUSTER_BITS = 9;
// QEMU's own limit, and the format's for extended L2 entries
const MAX_CLUSTER_BITS = 21;
const MIN_SUBCLUSTER_BITS = 14;
// QEMU's limit (QCOW_MAX_L1_SIZE)
const MAX_L1_BYTES = 32 * 1024 * 1024;
const MAX_REFCOUNT_ORDER = 6;

const DIRTY = 0x1;
const CORRUPT = 0x2;
const EXTERNAL_DATA = 0x4;
const COMPRESSION_TYPE = 0x8;
const EXTENDED_L2 = 0x10;

/** An error about one field of a qcow2 file, with the field's name and value. */
export function qcow2Invalid(field: string, value: number | bigint | string, reason: string): BtyError {
  return new BtyError('IMAGE_INVALID', `qcow2: ${field} is ${value}: ${reason}`, {
    details: { field, value: String(value), reason },
  });
}

function refuseIf(wrong: boolean, field: string, value: number | bigint, reason: string): void {
  if (wrong) throw qcow2Invalid(field, value, reason);
}

function checkIncompatibleFeatures(features: bigint): void {
  const known = [
    [
      DIRTY,
      'the dirty bit is set: it was not closed, or is still being written (repair it with qemu-img check -r all)',
    ],
    [CORRUPT, 'the corrupt bit is set'],
    [EXTERNAL_DATA, 'its data lies in an external data file'],
  ] as const;
  for (const [bit, reason] of known) {
    refuseIf((features & BigInt(bit)) !== 0n, 'incompatible_features', features, reason);
  }
  const unknown = features & ~BigInt(DIRTY | CORRUPT | EXTERNAL_DATA | COMPRESSION_TYPE | EXTENDED_L2);
  refuseIf(unknown !== 0n, 'incompatible_features', features, `unknown bits 0x${unknown.toString(16)}`);
}

type Features = Pick<Qcow2Header, 'compression' | 'subclusters'>;

function readFeatures(head: Buffer, clusterBits: number): Features {
  const features = head.readBigUInt64BE(72);
  checkIncompatibleFeatures(features);
  const headerLength = head.readUInt32BE(100);
  const fits = headerLength >= V3_HEADER_BYTES && headerLength % 8 === 0 && headerLength <= 2 ** clusterBits;
  refuseIf(!fits, 'header_length', headerLength, 'not a multiple of 8 between 104 and the cluster size');
  const refcountOrder = head.readUInt32BE(96);
  refuseIf(refcountOrder > MAX_REFCOUNT_ORDER, 'refcount_order', refcountOrder, 'at most 6');
  const compressionType = headerLength > COMPRESSION_TYPE_AT ? (head[COMPRESSION_TYPE_AT] ?? 0) : 0;
  const zstd = (features & BigInt(COMPRESSION_TYPE)) !== 0n;
  refuseIf(
    compressionType !== (zstd ? 1 : 0),
    'compression_type',
    compressionType,
    'unknown, or against its feature bit',
  );
  const subclusters = (features & BigInt(EXTENDED_L2)) !== 0n;
  refuseIf(
    subclusters && clusterBits < MIN_SUBCLUSTER_BITS,
    'cluster_bits',
    clusterBits,
    'extended L2 entries need 14',
  );
  return { compression: zstd ? 'zstd' : 'zlib', subclusters };
}

function checkSelfContained(head: Buffer): void {
  const backing = head.readBigUInt64BE(8);
  refuseIf(
    backing !== 0n,
    'backing_file_offset',
    backing,
    'it needs a backing file (flatten it with qemu-img convert)',
  );
  const crypt = head.readUInt32BE(32);
  refuseIf(crypt !== 0, 'crypt_method', crypt, 'it is encrypted');
  const snapshots = head.readUInt32BE(60);
  refuseIf(
    snapshots !== 0,
    'nb_snapshots',
    snapshots,
    'it holds other states of the disk (flatten it with qemu-img convert)',
  );
}

function checkL1(header: Qcow2Header, l1Offset: bigint, fileSizeBytes: number): void {
  const { l1Entries, clusterBits, clusterBytes, virtualSizeBytes } = header;
  const l2Entries = clusterBytes / (header.subclusters ? 16 : 8);
  const needed = Math.ceil(Math.ceil(virtualSizeBytes / clusterBytes) / l2Entries);
  refuseIf(l1Entries * 8 > MAX_L1_BYTES, 'l1_size', l1Entries, `more than ${MAX_L1_BYTES / 8} entries`);
  refuseIf(l1Entries < needed, 'l1_size', l1Entries, `the virtual size needs ${needed} entries`);
  const aligned = (l1Offset & ((1n << BigInt(clusterBits)) - 1n)) === 0n;
  refuseIf(!aligned || l1Offset === 0n, 'l1_table_offset', l1Offset, 'not at the start of a cluster after the header');
  if (l1Offset + BigInt(l1Entries * 8) <= BigInt(fileSizeBytes)) return;
  throw new BtyError(
    'IMAGE_TRUNCATED',
    `qcow2: l1_table_offset is ${l1Offset}: with ${l1Entries} entries it passes the end of the file at ${fileSizeBytes}`,
    { details: { field: 'l1_table_offset', value: String(l1Offset), fileSizeBytes } },
  );
}

/**
 * Reads and judges the header. `head` is the first HEADER_BYTES of the file (all of it when it has fewer).
 *
 * Refused, as BtyError IMAGE_INVALID with field and value: other versions than 2 and 3, clusters outside 512 bytes to
 * 2 MiB, backing files, external data files, encryption, internal snapshots, the dirty and the corrupt bit, unknown
 * incompatible features, an L1 table that is misplaced, too large or too small, a virtual size that is 0 or no whole
 * number of sectors. IMAGE_TRUNCATED when header or L1 table pass the end of the file. Refcounts, bitmaps, header
 * extensions, compatible and autoclear features have no say in what the guest sees, and are not looked at.
 */
export function readQcow2Header(head: Buffer, fileSizeBytes: number): Qcow2Header {
  const isQcow2 = head.length < 4 || head.readUInt32BE(0) === MAGIC;
  if (!isQcow2) throw qcow2Invalid('magic', `0x${head.toString('hex', 0, 4)}`, 'not a qcow2 file');
  const version = head.length < 8 ? 2 : head.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw qcow2Invalid('version', version, 'only 2 and 3 are known');
  if (head.length < (version === 2 ? V2_HEADER_BYTES : V3_HEADER_BYTES)) {
    throw new BtyError('IMAGE_TRUNCATED', `qcow2: the file ends at byte ${head.length}, inside the header`);
  }
  const clusterBits = head.readUInt32BE(20);
  const known = clusterBits >= MIN_CLUSTER_BITS && clusterBits <= MAX_CLUSTER_BITS;
  refuseIf(!known, 'cluster_bits', clusterBits, `outside ${MIN_CLUSTER_BITS} to ${MAX_CLUSTER_BITS}`);
  checkSelfContained(head);
  const virtualSize = head.readBigUInt64BE(24);
  const whole = virtualSize > 0n && virtualSize % BigInt(SECTOR_BYTES) === 0n;
  refuseIf(!whole, 'size', virtualSize, 'not a whole number of 512-byte sectors');
  refuseIf(virtualSize > BigInt(Number.MAX_SAFE_INTEGER), 'size', virtualSize, 'larger than any disk');
  const features: Features =
    version === 3 ? readFeatures(head, clusterBits) : { compression: 'zlib', subclusters: false };
  const header: Qcow2Header = {
    version,
    clusterBits,
    clusterBytes: 2 ** clusterBits,
    virtualSizeBytes: Number(virtualSize),
    l1OffsetBytes: Number(head.readBigUInt64BE(40)),
    l1Entries: head.readUInt32BE(36),
    ...features,
  };
  checkL1(header, head.readBigUInt64BE(40), fileSizeBytes);
  return header;
}
