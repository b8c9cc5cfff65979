import type { ByteRange } from '@bty/image-format';
import { BtyError } from '@bty/wire-types';
import type { BlockTarget } from './block-target.js';

/** A disk in memory. Writes reach the medium with the next flush, as with a volatile cache; reads see what was written. */
export class MemoryTarget implements BlockTarget {
  readonly path = '/dev/memory';
  readonly sizeBytes: number;
  readonly sectorBytes = 512;
  readonly direct = true;
  readonly medium: Buffer;
  closed = false;
  flushes = 0;
  /** Every place that was written or zeroed, in order. */
  readonly writes: ByteRange[] = [];
  /** Runs before each write, with its place; what it throws is the write's failure. */
  beforeWrite: (offsetBytes: number, lengthBytes: number) => void = () => undefined;
  afterWrite: (offsetBytes: number) => void = () => undefined;
  beforeRead: (offsetBytes: number, lengthBytes: number) => void = () => undefined;
  readonly #cached: Buffer;
  #unflushed: { offsetBytes: number; bytes: Buffer }[] = [];

  constructor(before: Buffer) {
    this.medium = Buffer.from(before);
    this.#cached = Buffer.from(before);
    this.sizeBytes = before.length;
  }

  async read(into: Buffer, offsetBytes: number): Promise<void> {
    this.beforeRead(offsetBytes, into.length);
    if (offsetBytes + into.length > this.sizeBytes) throw new BtyError('DISK_IO', 'read beyond the end');
    this.#cached.copy(into, 0, offsetBytes, offsetBytes + into.length);
  }

  async write(from: Buffer, offsetBytes: number): Promise<void> {
    this.beforeWrite(offsetBytes, from.length);
    if (offsetBytes + from.length > this.sizeBytes) throw new BtyError('DISK_IO', 'write beyond the end');
    this.writes.push({ offsetBytes, lengthBytes: from.length });
    from.copy(this.#cached, offsetBytes);
    this.#unflushed.push({ offsetBytes, bytes: Buffer.from(from) });
    this.afterWrite(offsetBytes);
  }

  async zero({ offsetBytes, lengthBytes }: ByteRange): Promise<void> {
    await this.write(Buffer.alloc(lengthBytes), offsetBytes);
  }

  async flush(): Promise<void> {
    this.#cached.copy(this.medium);
    this.#unflushed = [];
    this.flushes += 1;
  }

  /** What is on the medium when the power fails now; of the writes since the last flush, those that `survives` picks. */
  afterPowerLoss(survives: (index: number) => boolean): Buffer {
    const left = Buffer.from(this.medium);
    for (const [index, { offsetBytes, bytes }] of this.#unflushed.entries()) {
      if (survives(index)) bytes.copy(left, offsetBytes);
    }
    return left;
  }

  /** Changes a byte behind the back of whoever wrote it. */
  corrupt(offsetBytes: number): void {
    for (const copy of [this.medium, this.#cached]) copy[offsetBytes] = (copy[offsetBytes] ?? 0) ^ 0x40;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
