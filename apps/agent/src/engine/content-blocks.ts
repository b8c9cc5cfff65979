import type { ImageContent } from '@bty/image-format';
import type { SlotPool } from './slot-pool.js';

/** Blocks of an image's content; the last of an image may be short. */
export const BLOCK_BYTES = 1024 * 1024;

/** One block of data in a slot that the receiver gives back, or consecutive blocks of zeros. In bytes from the start. */
export type ContentBlock = { firstBlock: number; lengthBytes: number } & (
  | { slot: Buffer; zeros?: undefined }
  | { slot?: undefined; zeros: true }
);

/** Puts pieces together to blocks. */
class BlockCutter {
  #slot: Buffer | undefined;
  #filled = 0;
  /** Bytes that were given away. */
  #given = 0;

  constructor(private readonly slots: SlotPool) {}

  async *data(bytes: Uint8Array): AsyncGenerator<ContentBlock> {
    for (let at = 0; at < bytes.length; ) {
      this.#slot ??= await this.slots.take();
      const part = bytes.subarray(at, at + BLOCK_BYTES - this.#filled);
      this.#slot.set(part, this.#filled);
      at += part.length;
      yield* this.#advance(part.length);
    }
  }

  async *zeros(lengthBytes: number): AsyncGenerator<ContentBlock> {
    let left = lengthBytes;
    while (left > 0) {
      if (this.#filled === 0 && left >= BLOCK_BYTES) {
        const whole = left - (left % BLOCK_BYTES);
        yield { firstBlock: this.#given / BLOCK_BYTES, lengthBytes: whole, zeros: true };
        this.#given += whole;
        left -= whole;
        continue;
      }
      this.#slot ??= await this.slots.take();
      const part = Math.min(left, BLOCK_BYTES - this.#filled);
      this.#slot.fill(0, this.#filled, this.#filled + part);
      left -= part;
      yield* this.#advance(part);
    }
  }

  /** The last block, as far as it came. */
  *rest(): Generator<ContentBlock> {
    if (this.#filled > 0) yield this.#give();
  }

  /** Gives the slot of a block that did not become whole back to the pool. */
  release(): void {
    if (this.#slot !== undefined) this.slots.give(this.#slot);
    this.#slot = undefined;
  }

  *#advance(bytes: number): Generator<ContentBlock> {
    this.#filled += bytes;
    if (this.#filled === BLOCK_BYTES) yield this.#give();
  }

  #give(): ContentBlock {
    const block = { firstBlock: this.#given / BLOCK_BYTES, lengthBytes: this.#filled, slot: this.#slot as Buffer };
    this.#slot = undefined;
    this.#given += this.#filled;
    this.#filled = 0;
    return block;
  }
}

/** The content of an image in blocks, in order, without gaps. Throws what its pieces throw. */
export async function* contentBlocks(
  content: ImageContent,
  slots: SlotPool,
  signal: AbortSignal,
): AsyncGenerator<ContentBlock> {
  const cutter = new BlockCutter(slots);
  try {
    for await (const piece of content.pieces(signal)) {
      yield* 'bytes' in piece ? cutter.data(piece.bytes) : cutter.zeros(piece.zeroBytes);
    }
    yield* cutter.rest();
  } finally {
    cutter.release();
  }
}
