import { createHash } from 'node:crypto';
import type { ImagePiece } from '@bty/image-format';
import { SECTOR_HEAD_BYTES, sectorSizeOf } from '../sector-size.js';

const ZEROS = Buffer.alloc(1024 * 1024);

/** What the bytes of a raw disk tell about it, derived as they pass by in order. */
export class ContentDigest {
  sizeBytes = 0;
  private readonly hash = createHash('sha256');
  private readonly head = Buffer.alloc(SECTOR_HEAD_BYTES);

  add(piece: ImagePiece): void {
    if ('bytes' in piece) this.addBytes(piece.bytes);
    else this.addZeros(piece.zeroBytes);
  }

  /** SHA-256 in hex; once. */
  sha256(): string {
    return this.hash.digest('hex');
  }

  /** The logical sector size that the disk's partition table was made for. */
  get sectorBytes(): number | undefined {
    return sectorSizeOf(this.head.subarray(0, this.sizeBytes));
  }

  private addBytes(bytes: Uint8Array): void {
    if (this.sizeBytes < SECTOR_HEAD_BYTES)
      this.head.set(bytes.subarray(0, SECTOR_HEAD_BYTES - this.sizeBytes), this.sizeBytes);
    this.hash.update(bytes);
    this.sizeBytes += bytes.length;
  }

  private addZeros(zeroBytes: number): void {
    for (let left = zeroBytes; left > 0; left -= ZEROS.length) this.hash.update(ZEROS.subarray(0, left));
    this.sizeBytes += zeroBytes;
  }
}
