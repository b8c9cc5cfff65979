import type { ByteRange } from '@bty/image-format';

/** A disk, or what stands for one. Offsets and lengths are bytes and need not be aligned. Failures throw `DISK_IO`. */
export interface BlockTarget {
  readonly path: string;
  readonly sizeBytes: number;
  /** Fills the whole buffer from the medium, past any cache that a flush leaves behind. */
  read(into: Buffer, offsetBytes: number): Promise<void>;
  /** Writes the whole buffer. It is on the medium after the next `flush`. */
  write(from: Buffer, offsetBytes: number): Promise<void>;
  zero(range: ByteRange): Promise<void>;
  /** Returns when everything written is on the medium, and reads no longer come from a cache. */
  flush(): Promise<void>;
  close(): Promise<void>;
}
