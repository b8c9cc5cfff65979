import { Blake3Hasher } from '@napi-rs/blake-hash';

const BUFFER_BYTES = 256 * 1024;

/**
 * BLAKE3-256 of bytes that come in parts of any length. Hands them on in large parts of whole blocks: with the lengths
 * that frames have, the hasher is six times slower.
 */
export class PackDigest {
  private readonly hasher = new Blake3Hasher();
  private readonly buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  private filledBytes = 0;

  update(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const part = bytes.subarray(from, from + BUFFER_BYTES - this.filledBytes);
      this.buffer.set(part, this.filledBytes);
      this.filledBytes += part.length;
      from += part.length;
      if (this.filledBytes === BUFFER_BYTES) this.flush();
    }
  }

  /** In hex; once. */
  digest(): string {
    this.flush();
    return this.hasher.digest('hex');
  }

  private flush(): void {
    this.hasher.update(this.buffer.subarray(0, this.filledBytes));
    this.filledBytes = 0;
  }
}
