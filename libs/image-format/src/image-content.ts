import { BtyError } from '@bty/wire-types/errors';

/**
 * A part of the disk that an image holds: bytes, or a run of zeros that is never expanded.
 * `offsetBytes` counts from the start of the disk. `bytes` may be used until the next piece is asked for, not longer.
 */
export type ImagePiece = { offsetBytes: number; bytes: Uint8Array } | { offsetBytes: number; zeroBytes: number };

/**
 * What an image of any format puts on a disk. The pieces come in ascending order, without gap or overlap, from 0 to the
 * size; `sizeBytes` is undefined when only the end of the stream tells it. `pieces` throws BtyError IMAGE_TRUNCATED,
 * IMAGE_TOO_LONG or IMAGE_INVALID as soon as it is known that the image cannot be right, what the source throws, and the
 * signal's reason on abort; nothing is right before it has ended.
 */
export interface ImageContent {
  readonly sizeBytes?: number;
  pieces(signal?: AbortSignal): AsyncIterable<ImagePiece>;
}

/** A stream of an image file's bytes from its start, opened anew for each reading. */
export type ByteStream = (signal?: AbortSignal) => AsyncIterable<Uint8Array>;

/** Bounds for the disk bytes of an image: the room there is (the target), and their exact count where somebody stated it. */
export interface ContentLimits {
  maxBytes: number;
  sizeBytes?: number;
}

/** Counts the disk bytes of a stream against its limits. `where` names the place in the file, for the message. */
export class ContentMeter {
  offsetBytes = 0;
  private readonly endBytes: number;
  private readonly bound: string;

  constructor(private readonly limits: ContentLimits) {
    const { sizeBytes, maxBytes } = limits;
    const stated = sizeBytes !== undefined && sizeBytes <= maxBytes;
    this.endBytes = stated ? sizeBytes : maxBytes;
    this.bound = stated ? `the stated size is ${sizeBytes}` : `there is room for ${maxBytes}`;
    if (sizeBytes !== undefined && !stated) this.foresee(sizeBytes, 'as stated');
  }

  /** Throws IMAGE_TOO_LONG when `lengthBytes` more would pass the bound. */
  foresee(lengthBytes: number, where: string): void {
    const reached = this.offsetBytes + lengthBytes;
    if (reached <= this.endBytes) return;
    throw new BtyError('IMAGE_TOO_LONG', `the image has ${reached} bytes or more (${where}), ${this.bound}`, {
      details: { rawOffsetBytes: this.offsetBytes, reachedBytes: reached, endBytes: this.endBytes },
    });
  }

  /** Counts bytes that arrived; gives the offset of the first of them. */
  add(lengthBytes: number, where: string): number {
    this.foresee(lengthBytes, where);
    const start = this.offsetBytes;
    this.offsetBytes += lengthBytes;
    return start;
  }

  /** Throws IMAGE_TRUNCATED when the stream ended before the stated size, or without a byte. */
  end(where: string): void {
    const { sizeBytes } = this.limits;
    if (this.offsetBytes > 0 && this.offsetBytes === (sizeBytes ?? this.offsetBytes)) return;
    const wanted = sizeBytes === undefined ? 'an image has at least one' : `the stated size is ${sizeBytes}`;
    throw new BtyError('IMAGE_TRUNCATED', `the image ended after ${this.offsetBytes} bytes (${where}), ${wanted}`, {
      details: { rawOffsetBytes: this.offsetBytes, sizeBytes },
    });
  }
}
