import { allocateAligned } from './aligned-memory.js';

interface Slot {
  buffer: Buffer;
  work: Promise<void>;
}

/**
 * A fixed number of aligned buffers that are used in turn, so that transfer and disk overlap while the memory stays the
 * same whatever the size of the image. A buffer is handed out again when its work is done; a failure is thrown there.
 */
export class AlignedRing {
  readonly pieceBytes: number;
  readonly #slots: Slot[];
  #turn = 0;

  constructor(count: number, pieceBytes: number) {
    this.pieceBytes = pieceBytes;
    const memory = allocateAligned(count * pieceBytes);
    this.#slots = Array.from({ length: count }, (_, index) => ({
      buffer: memory.subarray(index * pieceBytes, (index + 1) * pieceBytes),
      work: Promise.resolve(),
    }));
  }

  get count(): number {
    return this.#slots.length;
  }

  /** The next buffer of the ring, free of work. */
  async take(): Promise<Buffer> {
    const slot = this.#slot();
    await slot.work;
    return slot.buffer;
  }

  /** Gives the buffer that `take` returned to a piece of work and moves on. */
  give(work: Promise<void>): void {
    // The failure is thrown by `take` or `drain`; until then it must not count as unhandled.
    work.catch(() => undefined);
    this.#slot().work = work;
    this.#turn += 1;
  }

  /** Waits for all work and throws the first failure. */
  async drain(): Promise<void> {
    await this.settle();
    for (const slot of this.#slots) await slot.work;
  }

  /** Waits until nothing uses the buffers any more, whatever came of it. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#slots.map((slot) => slot.work));
  }

  #slot(): Slot {
    return this.#slots[this.#turn % this.#slots.length] as Slot;
  }
}
