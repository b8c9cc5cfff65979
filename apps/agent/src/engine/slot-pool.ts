import { allocateAligned } from './aligned-memory.js';

/** A fixed number of aligned buffers, lent out one by one, so that memory stays the same whatever the image's size. */
export class SlotPool {
  readonly #free: Buffer[];
  readonly #waiting: ((slot: Buffer) => void)[] = [];

  constructor(
    count: number,
    readonly slotBytes: number,
  ) {
    const memory = allocateAligned(count * slotBytes);
    this.#free = Array.from({ length: count }, (_, index) =>
      memory.subarray(index * slotBytes, (index + 1) * slotBytes),
    );
  }

  /** A free buffer; undefined when there is none now. */
  takeNow(): Buffer | undefined {
    return this.#free.pop();
  }

  /** The next free buffer. Who waits here must hold no buffer that only he gives back. */
  take(): Promise<Buffer> {
    const slot = this.#free.pop();
    if (slot !== undefined) return Promise.resolve(slot);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  give(slot: Buffer): void {
    const next = this.#waiting.shift();
    if (next !== undefined) next(slot);
    else this.#free.push(slot);
  }
}
