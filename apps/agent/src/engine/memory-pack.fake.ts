import type { ByteRange } from '@bty/image-format';
import type { FrameSource } from './frame-source.js';

/** A pack in memory; what is fetched of it may come damaged. */
export class MemoryPack implements FrameSource {
  /** Every part that was fetched, in order. */
  readonly fetches: ByteRange[] = [];
  closed = false;
  /** Sees, and may change, the bytes of each answer before they arrive. */
  beforeArrival: (bytes: Buffer, offsetBytes: number) => void = () => undefined;

  constructor(private readonly pack: Buffer) {}

  async fetch(offsetBytes: number, into: Buffer, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    this.fetches.push({ offsetBytes, lengthBytes: into.length });
    this.pack.copy(into, 0, offsetBytes, offsetBytes + into.length);
    this.beforeArrival(into, offsetBytes);
    return into.length;
  }

  close(): void {
    this.closed = true;
  }
}
