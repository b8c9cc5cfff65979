import type { ByteRange } from '@bty/image-format';

/** The places of a disk, or of what stands for one. Offsets and lengths are bytes and need not be aligned. */
export interface DiskAccess {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sectorBytes: number;
  /** Reads come from the medium, past every cache, at any time; else only after a flush. */
  readonly direct: boolean;
  /** Fills the whole buffer. Failures of the disk throw `DISK_IO` with errno and LBA, here and below. */
  read(into: Buffer, offsetBytes: number): Promise<void>;
  /** Writes the whole buffer. It is on the medium after the next flush. */
  write(from: Buffer, offsetBytes: number): Promise<void>;
  /** Makes the range read as zeros, the cheapest way that was seen to work on this disk. */
  zero(range: ByteRange): Promise<void>;
}

/** A claimed disk. */
export interface BlockTarget extends DiskAccess {
  /** Returns when everything written is on the medium, and reads no longer come from a cache. */
  flush(): Promise<void>;
  close(): Promise<void>;
}
