import { createHash } from 'node:crypto';
import { Blake3Hasher } from '@napi-rs/blake-hash';
import { HEAD_BYTES, sectorSizeOf } from './sector-size.js';

/** What the catalogue says about the bytes of a raw image. Digests are lower-case hex. */
export interface ImageDigest {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly blake3: string;
  readonly sectorBytes: number | undefined;
}

/** Derives an {@link ImageDigest} from an image's bytes as they pass by, in order. */
export class ImageDigester {
  private readonly sha256 = createHash('sha256');
  private readonly blake3 = new Blake3Hasher();
  private readonly head = Buffer.alloc(HEAD_BYTES);
  private size = 0;

  get sizeBytes(): number {
    return this.size;
  }

  update(chunk: Uint8Array): void {
    if (this.size < HEAD_BYTES) this.head.set(chunk.subarray(0, HEAD_BYTES - this.size), this.size);
    this.sha256.update(chunk);
    this.blake3.update(chunk);
    this.size += chunk.length;
  }

  digest(): ImageDigest {
    return {
      sizeBytes: this.size,
      sha256: this.sha256.digest('hex'),
      blake3: this.blake3.digest('hex'),
      sectorBytes: sectorSizeOf(this.head.subarray(0, this.size)),
    };
  }
}

/** Why a file of this size cannot be a raw disk image, or undefined when it can. */
export function rawSizeProblem(sizeBytes: number): string | undefined {
  if (sizeBytes === 0) return 'the image is empty';
  if (sizeBytes % 512 !== 0) return `the image has ${sizeBytes} bytes, which is no multiple of 512: is it cut off?`;
  return undefined;
}
