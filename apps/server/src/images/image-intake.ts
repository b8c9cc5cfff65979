import { createHash } from 'node:crypto';
import { HEAD_BYTES, readFormat } from '@bty/image-format';
import { BtyError, type ImageFormat } from '@bty/wire-types';
import { rawSizeProblem } from './raw-size.js';

/** What is known of an image file when its last byte has come; the digest in hex. */
export interface TakenImage {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/**
 * Judges the bytes of an upload as they pass by, in order. Throws IMAGE_INVALID as soon as they cannot be the image that the
 * name promises, and DIGEST_MISMATCH when they are not those that were declared.
 */
export class ImageIntake {
  sizeBytes = 0;
  private readonly hash = createHash('sha256');
  private readonly head = Buffer.alloc(HEAD_BYTES);

  constructor(private readonly promise: { name: string; format: ImageFormat; sha256?: string | undefined }) {}

  add(chunk: Uint8Array): void {
    const before = this.sizeBytes;
    this.sizeBytes += chunk.length;
    this.hash.update(chunk);
    if (before >= HEAD_BYTES) return;
    this.head.set(chunk.subarray(0, HEAD_BYTES - before), before);
    if (this.sizeBytes >= HEAD_BYTES) this.judgeHead();
  }

  end(): TakenImage {
    const problem = this.promise.format === 'img' ? rawSizeProblem(this.sizeBytes) : undefined;
    if (problem !== undefined) throw new BtyError('IMAGE_INVALID', problem);
    if (this.sizeBytes < HEAD_BYTES) this.judgeHead();
    const sha256 = this.hash.digest('hex');
    const declared = this.promise.sha256;
    if (declared !== undefined && declared !== sha256) {
      const details = { declared, received: sha256 };
      throw new BtyError('DIGEST_MISMATCH', `the bytes received have sha256 ${sha256}`, { details });
    }
    return { sizeBytes: this.sizeBytes, sha256 };
  }

  private judgeHead(): void {
    const reading = readFormat(this.promise.name, this.head.subarray(0, this.sizeBytes));
    if (reading.kind === 'refused') throw new BtyError('IMAGE_INVALID', reading.reason);
  }
}
