import { crc32 } from 'node:zlib';
import { Blake3Hasher } from '@napi-rs/blake-hash';

/** Bytes that one position mark covers. */
export const MARK_BYTES = 1024 * 1024;

/**
 * The BLAKE3 of a run of bytes, and a CRC-32 per MiB that only serves to say where two runs differ.
 * Four bytes per MiB: 4 MiB of memory for a disk of 1 TiB.
 */
export class ContentDigest {
  readonly #whole = new Blake3Hasher();
  readonly marks: number[] = [];

  /** Adds the next piece; every piece but the last has `MARK_BYTES`. */
  add(piece: Buffer): void {
    this.#whole.update(piece);
    this.marks.push(crc32(piece) >>> 0);
  }

  /** Lower-case hex. Ends the digest. */
  hex(): string {
    return this.#whole.digest('hex');
  }
}
