import { type RandomAccess, readExactly } from '../random-access.js';
import { type Qcow2Header, qcow2Invalid } from './header.js';
import { type Halves, halvesAt, hex, L2Decoder, type Mapping, offsetOf } from './l2-entry.js';

/** A stretch of the guest disk behind which stands one thing. Data is contiguous in the file; compressed is one cluster. */
export type Run = { offsetBytes: number; lengthBytes: number } & Mapping;

// 8192 entries: with the usual 64 KiB clusters they map 4 TiB
const L1_WINDOW_BYTES = 64 * 1024;
const L1_ENTRY_BYTES = 8;
// of an L1 entry: bits 56-62 in the upper half, 0-8 in the lower
const RESERVED_HIGH = 0x7f000000;
const RESERVED_LOW = 0x1ff;

/** Appends to a run what continues it; false when it does not. */
function grows(run: Run, mapping: Mapping, lengthBytes: number): boolean {
  const continues =
    run.kind === 'zero'
      ? mapping.kind === 'zero'
      : run.kind === 'data' &&
        mapping.kind === 'data' &&
        mapping.hostOffsetBytes === run.hostOffsetBytes + run.lengthBytes;
  if (continues) run.lengthBytes += lengthBytes;
  return continues;
}

/**
 * Walks the active L1 table and its L2 tables once, in guest order. Holds 64 KiB of L1 and one L2 table (one cluster).
 */
export class RunWalk {
  private readonly decoder: L2Decoder;
  private readonly l2CoversBytes: number;
  private current: Run | undefined;

  constructor(
    private readonly source: RandomAccess,
    private readonly header: Qcow2Header,
    private readonly signal?: AbortSignal,
  ) {
    this.decoder = new L2Decoder(header);
    this.l2CoversBytes = (header.clusterBytes / this.decoder.entryBytes) * header.clusterBytes;
  }

  /** Gives runs that tile the disk from 0 to the virtual size. */
  async *runs(): AsyncGenerator<Run> {
    const { virtualSizeBytes, l1OffsetBytes, clusterBytes } = this.header;
    const l1Bytes = Math.ceil(virtualSizeBytes / this.l2CoversBytes) * L1_ENTRY_BYTES;
    for (let windowAt = 0; windowAt < l1Bytes; windowAt += L1_WINDOW_BYTES) {
      const lengthBytes = Math.min(L1_WINDOW_BYTES, l1Bytes - windowAt);
      const l1 = await this.table('L1', l1OffsetBytes + windowAt, lengthBytes);
      for (let at = 0; at < lengthBytes; at += L1_ENTRY_BYTES) {
        const guestOffsetBytes = ((windowAt + at) / L1_ENTRY_BYTES) * this.l2CoversBytes;
        const l2OffsetBytes = this.l2Offset(halvesAt(l1, at), guestOffsetBytes);
        if (l2OffsetBytes > 0) {
          const clusters = Math.ceil((virtualSizeBytes - guestOffsetBytes) / clusterBytes);
          const l2Bytes = Math.min(clusterBytes, clusters * this.decoder.entryBytes);
          yield* this.behindL2(await this.table('L2', l2OffsetBytes, l2Bytes), guestOffsetBytes);
          continue;
        }
        const complete = this.add({ kind: 'zero' }, guestOffsetBytes, this.l2CoversBytes);
        if (complete) yield complete;
      }
    }
    if (this.current) yield this.current;
  }

  private table(level: string, offsetBytes: number, lengthBytes: number): Promise<Buffer> {
    return readExactly(this.source, `qcow2 ${level} table`, offsetBytes, lengthBytes, this.signal);
  }

  private l2Offset(entry: Halves, guestOffsetBytes: number): number {
    const { clusterBytes, l1OffsetBytes, l1Entries } = this.header;
    const invalid = (reason: string) =>
      qcow2Invalid(`the L1 entry for guest offset ${guestOffsetBytes}`, hex(entry), reason);
    if ((entry.high & RESERVED_HIGH) !== 0 || (entry.low & RESERVED_LOW) !== 0) throw invalid('reserved bits are set');
    const offset = offsetOf(entry);
    if (offset % clusterBytes !== 0) throw invalid('not at the start of a cluster');
    const overlapsL1 = offset + clusterBytes > l1OffsetBytes && offset < l1OffsetBytes + l1Entries * L1_ENTRY_BYTES;
    if (offset > 0 && overlapsL1) throw invalid('its L2 table overlaps the L1 table');
    return offset;
  }

  private *behindL2(l2: Buffer, firstGuestOffsetBytes: number): Generator<Run> {
    const { entryBytes } = this.decoder;
    const { clusterBytes } = this.header;
    for (let at = 0, guest = firstGuestOffsetBytes; at < l2.length; at += entryBytes, guest += clusterBytes) {
      const mappings = this.decoder.entry(l2, at, guest);
      const partBytes = clusterBytes / mappings.length;
      let offsetBytes = guest;
      for (const mapping of mappings) {
        const complete = this.add(mapping, offsetBytes, partBytes);
        if (complete) yield complete;
        offsetBytes += partBytes;
      }
    }
  }

  /** Merges with the run before; gives that run when it is complete. The disk may end inside the last cluster. */
  private add(mapping: Mapping, offsetBytes: number, stretchBytes: number): Run | undefined {
    const lengthBytes = Math.min(stretchBytes, this.header.virtualSizeBytes - offsetBytes);
    if (lengthBytes <= 0 || (this.current && grows(this.current, mapping, lengthBytes))) return undefined;
    const complete = this.current;
    this.current = { offsetBytes, lengthBytes, ...mapping };
    return complete;
  }
}
