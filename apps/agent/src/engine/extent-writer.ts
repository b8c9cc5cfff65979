import type { DiskAccess } from './block-target.js';
import type { SegmentDone } from './segment.js';
import type { SlotPool } from './slot-pool.js';

/**
 * Collects chunks that come in order, and writes neighbours together, as far as they fit one slot; several writes at once.
 * With `ordered` the first write ends before any other begins.
 */
export class ExtentWriter {
  readonly #all: Promise<void>[] = [];
  #before: Promise<void> = Promise.resolve();
  #failure: { reason: unknown } | undefined;
  #slot: Buffer | undefined;
  #offsetBytes = 0;
  #filledBytes = 0;

  constructor(
    private readonly access: Pick<DiskAccess, 'write'>,
    private readonly slots: SlotPool,
    private readonly ordered: boolean,
    private readonly done: SegmentDone,
  ) {}

  /**
   * Memory for the chunk at this place of the disk, to be filled before the next call; a promise when all is in use.
   * Throws the first failure so far.
   */
  room(offsetBytes: number, lengthBytes: number): Buffer | Promise<Buffer> {
    const fits =
      offsetBytes === this.#offsetBytes + this.#filledBytes && this.#filledBytes + lengthBytes <= this.slots.slotBytes;
    if (!fits) this.#write();
    if (this.#failure !== undefined) throw this.#failure.reason;
    if (this.#slot !== undefined) return this.#cut(this.#slot, lengthBytes);
    this.#offsetBytes = offsetBytes;
    this.#filledBytes = 0;
    this.#slot = this.slots.takeNow();
    if (this.#slot !== undefined) return this.#cut(this.#slot, lengthBytes);
    return this.slots.take().then((slot) => {
      this.#slot = slot;
      return this.#cut(slot, lengthBytes);
    });
  }

  #cut(slot: Buffer, lengthBytes: number): Buffer {
    const from = this.#filledBytes;
    this.#filledBytes += lengthBytes;
    return slot.subarray(from, this.#filledBytes);
  }

  /** Writes what is left, and returns when all is written. */
  async end(): Promise<void> {
    this.#write();
    await Promise.allSettled(this.#all);
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  /** Drops what is not being written yet, and returns when nothing is being written any more. */
  async abandon(): Promise<void> {
    if (this.#slot !== undefined) this.slots.give(this.#slot);
    this.#slot = undefined;
    await Promise.allSettled(this.#all);
  }

  #write(): void {
    const slot = this.#slot;
    if (slot === undefined) return;
    this.#slot = undefined;
    const work = this.#writeSlot(this.#before, slot, this.#offsetBytes, this.#filledBytes).catch((reason: unknown) => {
      this.#failure ??= { reason };
    });
    if (this.ordered && this.#all.length === 0) this.#before = work;
    this.#all.push(work);
  }

  async #writeSlot(before: Promise<void>, slot: Buffer, offsetBytes: number, lengthBytes: number): Promise<void> {
    try {
      await before;
      if (this.#failure !== undefined) return;
      const startMs = performance.now();
      await this.access.write(slot.subarray(0, lengthBytes), offsetBytes);
      this.done.diskMs += performance.now() - startMs;
      this.done.writtenBytes += lengthBytes;
    } finally {
      this.slots.give(slot);
    }
  }
}
