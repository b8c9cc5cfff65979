import { blake3 } from '@napi-rs/blake-hash';
import type { DiskAccess } from './block-target.js';
import { isZeros } from './chunk-judge.js';
import { addChunk, type ChunkRun } from './chunk-table.js';
import { BLOCK_BYTES, type ContentBlock } from './content-blocks.js';
import type { SegmentDone } from './segment.js';
import { SlotPool } from './slot-pool.js';

/** Blocks that are judged by the first of them: when that one is right the others are compared, else they are written. */
const GROUP_BLOCKS = 16;
const COMPARES_AT_ONCE = 4;

/** Digests of the blocks, in memory that grows by doubling. */
class DigestLog {
  #digests = Buffer.alloc(32 * 1024);
  #zeros = new Uint8Array(1024);

  /** Notes a block; undefined: it is zero. */
  set(block: number, bytes: Buffer | undefined): void {
    while (block >= this.#zeros.length) {
      this.#digests = Buffer.concat([this.#digests, Buffer.alloc(this.#digests.length)]);
      const zeros = new Uint8Array(this.#zeros.length * 2);
      zeros.set(this.#zeros);
      this.#zeros = zeros;
    }
    if (bytes === undefined) this.#zeros[block] = 1;
    else blake3(bytes).copy(this.#digests, block * 32);
  }

  facts(contentBytes: number) {
    return { chunkBytes: BLOCK_BYTES, contentBytes, digests: this.#digests, zeros: this.#zeros };
  }
}

/** Puts blocks that come in order on a disk, those that differ alone; many at once. */
export class ContentWriter {
  readonly digests = new DigestLog();
  /** Blocks that were written or zeroed. */
  readonly restored: ChunkRun[] = [];
  comparedGroups = 0;
  writtenGroups = 0;
  readonly #compareSlots = new SlotPool(COMPARES_AT_ONCE, BLOCK_BYTES);
  readonly #pending = new Set<Promise<void>>();
  #group = -1;
  #firstIsRight: Promise<boolean> = Promise.resolve(true);
  #failure: { reason: unknown } | undefined;

  constructor(
    private readonly access: DiskAccess,
    private readonly slots: SlotPool,
    private readonly mayWrite: () => Promise<void>,
    private readonly totals: SegmentDone,
  ) {}

  /** Takes a block over; throws the first failure of any block before. */
  add(block: ContentBlock): void {
    const { firstBlock, lengthBytes, slot } = block;
    const bytes = slot?.subarray(0, lengthBytes);
    if (slot === undefined || bytes === undefined) this.#addZeros(firstBlock, lengthBytes);
    else if (isZeros(bytes)) {
      this.slots.give(slot);
      this.#addZeros(firstBlock, lengthBytes);
    } else {
      this.digests.set(firstBlock, bytes);
      this.#start(firstBlock, bytes, lengthBytes, () => this.slots.give(slot));
    }
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  /** Waits for all blocks and throws the first failure. */
  async drain(): Promise<void> {
    await this.settle();
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  /** Waits until nothing is read or written any more, whatever came of it. */
  async settle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  #addZeros(firstBlock: number, lengthBytes: number): void {
    const blocks = Math.ceil(lengthBytes / BLOCK_BYTES);
    for (let done = 0; done < blocks; ) {
      const block = firstBlock + done;
      const toGroupEnd = GROUP_BLOCKS - (block % GROUP_BLOCKS);
      const count = Math.min(blocks - done, toGroupEnd);
      for (let at = block; at < block + count; at += 1) this.digests.set(at, undefined);
      const bytes = Math.min(count * BLOCK_BYTES, lengthBytes - done * BLOCK_BYTES);
      this.#start(block, undefined, bytes, () => undefined);
      done += count;
    }
  }

  #start(block: number, bytes: Buffer | undefined, lengthBytes: number, release: () => void): void {
    const group = Math.floor(block / GROUP_BLOCKS);
    let work: Promise<void>;
    if (group === this.#group) {
      const first = this.#firstIsRight;
      work = first.then((right) => this.#place(block, bytes, lengthBytes, right)).then(() => undefined);
    } else {
      this.#group = group;
      this.#firstIsRight = this.#place(block, bytes, lengthBytes, true);
      work = this.#firstIsRight.then((right) => {
        if (right) this.comparedGroups += 1;
        else this.writtenGroups += 1;
      });
    }
    const tracked = work
      .catch((reason: unknown) => {
        this.#failure ??= { reason };
      })
      .finally(() => {
        release();
        this.#pending.delete(tracked);
      });
    this.#pending.add(tracked);
  }

  /** Makes the disk hold this at the place of the block; says whether it did so before. */
  async #place(block: number, bytes: Buffer | undefined, lengthBytes: number, compare: boolean): Promise<boolean> {
    if (this.#failure !== undefined) return false;
    const offsetBytes = block * BLOCK_BYTES;
    if (compare && (await this.#holds(offsetBytes, bytes, lengthBytes))) {
      this.totals.skippedBytes += lengthBytes;
      return true;
    }
    await this.mayWrite();
    const startMs = performance.now();
    if (bytes === undefined) await this.access.zero({ offsetBytes, lengthBytes });
    else await this.access.write(bytes, offsetBytes);
    this.totals.diskMs += performance.now() - startMs;
    this.totals[bytes === undefined ? 'zeroedBytes' : 'writtenBytes'] += lengthBytes;
    for (let at = block; at * BLOCK_BYTES < offsetBytes + lengthBytes; at += 1) addChunk(this.restored, at);
    return false;
  }

  async #holds(offsetBytes: number, bytes: Buffer | undefined, lengthBytes: number): Promise<boolean> {
    const slot = await this.#compareSlots.take();
    try {
      for (let done = 0; done < lengthBytes; done += BLOCK_BYTES) {
        const read = slot.subarray(0, Math.min(BLOCK_BYTES, lengthBytes - done));
        const startMs = performance.now();
        await this.access.read(read, offsetBytes + done);
        this.totals.diskMs += performance.now() - startMs;
        if (!(bytes === undefined ? isZeros(read) : read.equals(bytes))) return false;
      }
      return true;
    } finally {
      this.#compareSlots.give(slot);
    }
  }
}
