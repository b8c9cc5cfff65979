import { deflateRawSync } from 'node:zlib';
import { compress } from 'zstd-napi';

/** One guest cluster of a hand-made image. */
export type HandMadeCluster =
  | 'unallocated'
  | 'zero'
  | 'zero with a place'
  | { data: Buffer }
  | { compressed: Buffer }
  | { entry: bigint };

export interface HandMade {
  version?: 2 | 3;
  clusterBits?: number;
  compression?: 'zlib' | 'zstd';
  /** Default: all the clusters. */
  virtualSizeBytes?: number;
  clusters: HandMadeCluster[];
}

const L1_CLUSTER = 1;

function compressedEntry(at: number, lengthBytes: number, clusterBits: number): bigint {
  const moreSectors = Math.floor(((at % 512) + lengthBytes - 1) / 512);
  return (1n << 62n) | (BigInt(moreSectors) << BigInt(62 - (clusterBits - 8))) | BigInt(at);
}

function header(options: Required<Omit<HandMade, 'clusters'>>, l1Entries: number): Buffer {
  const head = Buffer.alloc(2 ** options.clusterBits);
  head.write('QFI\xfb', 'latin1');
  head.writeUInt32BE(options.version, 4);
  head.writeUInt32BE(options.clusterBits, 20);
  head.writeBigUInt64BE(BigInt(options.virtualSizeBytes), 24);
  head.writeUInt32BE(l1Entries, 36);
  head.writeBigUInt64BE(BigInt(L1_CLUSTER * head.length), 40);
  if (options.version === 3) {
    const zstd = options.compression === 'zstd';
    head.writeBigUInt64BE(zstd ? 8n : 0n, 72);
    head.writeUInt32BE(4, 96);
    head.writeUInt32BE(112, 100);
    head.writeUInt8(zstd ? 1 : 0, 104);
  }
  return head;
}

/**
 * A qcow2 file, made by the text of QEMU's docs/interop/qcow2.rst and not by the code under test: header, L1 table in
 * cluster 1, the L2 tables after it, then the data. It has no refcounts.
 */
export function handMadeQcow2(made: HandMade): Buffer {
  const { clusterBits = 9, clusters } = made;
  const clusterBytes = 2 ** clusterBits;
  const perTable = clusterBytes / 8;
  const l1Entries = Math.ceil(clusters.length / perTable);
  const options = {
    version: made.version ?? 3,
    clusterBits,
    compression: made.compression ?? 'zlib',
    virtualSizeBytes: made.virtualSizeBytes ?? clusters.length * clusterBytes,
  } as const;
  const l1 = Buffer.alloc(clusterBytes);
  const l2 = Buffer.alloc(l1Entries * clusterBytes);
  for (let table = 0; table < l1Entries; table += 1) {
    l1.writeBigUInt64BE((1n << 63n) | BigInt((L1_CLUSTER + 1 + table) * clusterBytes), table * 8);
  }
  const parts = [header(options, l1Entries), l1, l2];
  let end = parts.reduce((sum, part) => sum + part.length, 0);
  const append = (bytes: Buffer, alignBytes: number): number => {
    const padding = (alignBytes - (end % alignBytes)) % alignBytes;
    parts.push(Buffer.alloc(padding, 0xbb), bytes);
    end += padding + bytes.length;
    return end - bytes.length;
  };
  for (const [index, cluster] of clusters.entries()) {
    let entry = 0n;
    if (cluster === 'zero') entry = 1n;
    else if (cluster === 'zero with a place') {
      entry = (1n << 63n) | BigInt(append(Buffer.alloc(clusterBytes, 0xaa), clusterBytes)) | 1n;
    } else if (typeof cluster === 'object' && 'entry' in cluster) entry = cluster.entry;
    else if (typeof cluster === 'object' && 'data' in cluster) {
      entry = (1n << 63n) | BigInt(append(cluster.data, clusterBytes));
    } else if (typeof cluster === 'object') {
      const packed = options.compression === 'zstd' ? compress(cluster.compressed) : deflateRawSync(cluster.compressed);
      entry = compressedEntry(append(packed, 1), packed.length, clusterBits);
    }
    l2.writeBigUInt64BE(entry, index * 8);
  }
  return Buffer.concat(parts);
}
