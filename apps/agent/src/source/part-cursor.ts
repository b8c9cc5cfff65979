import type { PartReceiver } from '../engine/frame-source.js';

/** Where the next byte of a transfer goes; it outlives the connections that the bytes come over. */
export class PartCursor {
  /** What the receiver threw. */
  failure: { reason: unknown } | undefined;
  #part: Buffer | undefined;
  #partFilled = 0;
  #filled = 0;
  #receiving: Promise<void> | undefined;

  constructor(
    private readonly lengthBytes: number,
    private readonly receiver: PartReceiver,
  ) {}

  /** Bytes that are in their places. */
  get filledBytes(): number {
    return this.#filled;
  }

  get leftBytes(): number {
    return this.lengthBytes - this.#filled;
  }

  /** Memory for the next bytes; never more than are left. */
  memory(): Buffer {
    this.#part ??= this.receiver.next();
    return this.#part.subarray(this.#partFilled);
  }

  /** So many bytes were put there. Gives what to wait for before the next ones, if anything. */
  advance(bytes: number): Promise<void> | undefined {
    this.#filled += bytes;
    this.#partFilled += bytes;
    if (this.#partFilled < (this.#part?.length ?? 0)) return undefined;
    this.#part = undefined;
    this.#partFilled = 0;
    this.#receiving = this.receiver.full().catch((reason: unknown) => {
      this.failure = { reason };
      throw reason;
    });
    return this.#receiving;
  }

  /** Waits until the receiver does nothing more with what it has. */
  async settled(): Promise<void> {
    await this.#receiving?.catch(() => undefined);
  }
}
