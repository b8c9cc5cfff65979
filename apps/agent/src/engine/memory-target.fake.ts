import type { ByteRange } from '@bty/image-format';
import { BtyError } from '@bty/wire-types';
import type { BlockTarget } from './block-target.js';

/** A disk in memory. Writes reach the medium with the next flush, as with a volatile cache; reads see the medium. */
export class MemoryTarget implements BlockTarget {
  readonly path = '/dev/memory';
  readonly sizeBytes: number;
  readonly medium: Buffer;
  closed = false;
  flushes = 0;
  /** Runs before each write, with its place; what it throws is the write's failure. */
  beforeWrite: (offsetBytes: number, lengthBytes: number) => void = () => undefined;
  beforeRead: (offsetBytes: number) => void = () => undefined;
  readonly #cache: { offsetBytes: number; bytes: Buffer }[] = [];

  constructor(before: Buffer) {
    this.medium = Buffer.from(before);
    this.sizeBytes = before.length;
  }

  async read(into: Buffer, offsetBytes: number): Promise<void> {
    this.beforeRead(offsetBytes);
    if (offsetBytes + into.length > this.sizeBytes) throw new BtyError('DISK_IO', 'read beyond the end');
    this.medium.copy(into, 0, offsetBytes, offsetBytes + into.length);
  }

  async write(from: Buffer, offsetBytes: number): Promise<void> {
    this.beforeWrite(offsetBytes, from.length);
    if (offsetBytes + from.length > this.sizeBytes) throw new BtyError('DISK_IO', 'write beyond the end');
    this.#cache.push({ offsetBytes, bytes: Buffer.from(from) });
  }

  async zero({ offsetBytes, lengthBytes }: ByteRange): Promise<void> {
    await this.write(Buffer.alloc(lengthBytes), offsetBytes);
  }

  async flush(): Promise<void> {
    for (const { offsetBytes, bytes } of this.#cache.splice(0)) bytes.copy(this.medium, offsetBytes);
    this.flushes += 1;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
