import type { ByteRange } from '@bty/image-format';
import type { FrameSource, PartReceiver } from './frame-source.js';

/** A pack in memory; what is fetched of it may come damaged. */
export class MemoryPack implements FrameSource {
  /** Every range that was asked for, in order. */
  readonly fetches: ByteRange[] = [];
  closed = false;
  /** Sees, and may change, the bytes of each part before they arrive. */
  beforeArrival: (bytes: Buffer, offsetBytes: number) => void = () => undefined;

  constructor(private readonly pack: Buffer) {}

  async receive(range: ByteRange, receiver: PartReceiver, signal: AbortSignal): Promise<void> {
    this.fetches.push(range);
    const end = range.offsetBytes + range.lengthBytes;
    for (let offsetBytes = range.offsetBytes; offsetBytes < end; ) {
      signal.throwIfAborted();
      const part = receiver.next();
      this.pack.copy(part, 0, offsetBytes, offsetBytes + part.length);
      this.beforeArrival(part, offsetBytes);
      offsetBytes += part.length;
      await receiver.full();
    }
  }

  close(): void {
    this.closed = true;
  }
}
