import { type Qcow2Header, qcow2Invalid } from './header.js';

/** What stands behind one guest cluster or subcluster. Offsets and lengths in bytes of the file. */
export type Mapping =
  | { kind: 'zero' }
  | { kind: 'data'; hostOffsetBytes: number }
  | { kind: 'compressed'; hostOffsetBytes: number; hostLengthBytes: number };

const SUBCLUSTERS = 32;
const ZERO: Mapping = { kind: 'zero' };
const ALL_DATA = 0xffffffff;
const SECTOR_BYTES = 512;
const COMPRESSED_BIT = 0x40000000;
const COPIED_BIT = 0x80000000;
// of a standard descriptor: bits 56-61 in the upper half, 1-8 in the lower, and bit 0, the zero flag
const RESERVED_HIGH = 0x3f000000;
const RESERVED_LOW = 0x1fe;
const ZERO_FLAG = 0x1;

/** An entry of 64 bits in two halves: BigInt would cost more than all the rest of the walk. */
export interface Halves {
  high: number;
  low: number;
}

export function halvesAt(table: Buffer, at: number): Halves {
  return { high: table.readUInt32BE(at), low: table.readUInt32BE(at + 4) };
}

export function hex({ high, low }: Halves): string {
  return `0x${(BigInt(high) * 0x1_0000_0000n + BigInt(low)).toString(16)}`;
}

/** Bits 9 to 55 as an offset; exact up to 2^53, and larger than any file above. */
export function offsetOf({ high, low }: Halves): number {
  return (high & 0x00ffffff) * 2 ** 32 + ((low & 0xfffffe00) >>> 0);
}

function compressed(entry: Halves, clusterBits: number): Mapping {
  // "Compressed Clusters Descriptor": x = 62 - (cluster_bits - 8), here counted within the upper half
  const highOffsetBits = 62 - (clusterBits - 8) - 32;
  const hostOffsetBytes = (entry.high & (2 ** highOffsetBits - 1)) * 2 ** 32 + entry.low;
  const moreSectors = (entry.high & (COMPRESSED_BIT - 1)) >>> highOffsetBits;
  const hostLengthBytes = (moreSectors + 1) * SECTOR_BYTES - (hostOffsetBytes % SECTOR_BYTES);
  return { kind: 'compressed', hostOffsetBytes, hostLengthBytes };
}

/** Decodes entries of L2 tables of one image; `guestOffsetBytes` names the place in messages. */
export class L2Decoder {
  readonly entryBytes: number;

  constructor(private readonly header: Qcow2Header) {
    this.entryBytes = header.subclusters ? 16 : 8;
  }

  /** What the entry at a place in a table maps: one mapping for the whole cluster, or one for each 1/32 of it. */
  entry(l2: Buffer, at: number, guestOffsetBytes: number): Mapping[] {
    const entry = halvesAt(l2, at);
    if (!this.header.subclusters) return [this.wholeCluster(entry, guestOffsetBytes)];
    return this.subclusters(entry, halvesAt(l2, at + 8), guestOffsetBytes);
  }

  private invalid(entry: Halves, guestOffsetBytes: number, reason: string): Error {
    return qcow2Invalid(`the L2 entry for guest offset ${guestOffsetBytes}`, hex(entry), reason);
  }

  private hostOffset(entry: Halves, guestOffsetBytes: number): number {
    if ((entry.high & RESERVED_HIGH) !== 0 || (entry.low & RESERVED_LOW) !== 0) {
      throw this.invalid(entry, guestOffsetBytes, 'reserved bits are set');
    }
    const offset = offsetOf(entry);
    if (offset % this.header.clusterBytes !== 0) {
      throw this.invalid(entry, guestOffsetBytes, 'not at the start of a cluster');
    }
    return offset;
  }

  private wholeCluster(entry: Halves, guestOffsetBytes: number): Mapping {
    if (entry.high === 0 && entry.low === 0) return ZERO;
    if ((entry.high & COMPRESSED_BIT) !== 0) return compressed(entry, this.header.clusterBits);
    const hostOffsetBytes = this.hostOffset(entry, guestOffsetBytes);
    if ((entry.low & ZERO_FLAG) !== 0) {
      if (this.header.version === 2) throw this.invalid(entry, guestOffsetBytes, 'version 2 has no zero flag');
      return ZERO;
    }
    if (hostOffsetBytes > 0) return { kind: 'data', hostOffsetBytes };
    if ((entry.high & COPIED_BIT) !== 0) throw this.invalid(entry, guestOffsetBytes, 'data in the header cluster');
    return ZERO;
  }

  /** The subclusters of a cluster, or one mapping for all of it where they are alike ("Extended L2 Entries"). */
  private subclusters(entry: Halves, bitmap: Halves, guestOffsetBytes: number): Mapping[] {
    if ((entry.high & COMPRESSED_BIT) !== 0) return [compressed(entry, this.header.clusterBits)];
    const hostOffsetBytes = this.hostOffset(entry, guestOffsetBytes);
    const { high: zeroBits, low: dataBits } = bitmap;
    if ((entry.low & ZERO_FLAG) !== 0) throw this.invalid(entry, guestOffsetBytes, 'a zero flag beside subclusters');
    if ((zeroBits & dataBits) !== 0) {
      throw this.invalid(bitmap, guestOffsetBytes, 'a subcluster is data and zero at once');
    }
    if (dataBits === 0) return [ZERO];
    if (hostOffsetBytes === 0) throw this.invalid(entry, guestOffsetBytes, 'data subclusters without a place');
    if (dataBits === ALL_DATA) return [{ kind: 'data', hostOffsetBytes }];
    const subclusterBytes = this.header.clusterBytes / SUBCLUSTERS;
    return Array.from({ length: SUBCLUSTERS }, (_, at) =>
      ((dataBits >>> at) & 1) === 1 ? { kind: 'data', hostOffsetBytes: hostOffsetBytes + at * subclusterBytes } : ZERO,
    );
  }
}
