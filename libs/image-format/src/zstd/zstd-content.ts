import { BtyError } from '@bty/wire-types/errors';
import { foreignFormat } from '../format.js';
import {
  type ByteStream,
  type ContentLimits,
  ContentMeter,
  type ImageContent,
  type ImagePiece,
} from '../image-content.js';
import { ZstdFrames } from './zstd-frames.js';

/**
 * The largest window that is granted by default, in bytes: what `zstd -d` grants without --long (2^27), so every image
 * that plain `zstd -d` takes is taken. The decoder's memory is the frame's window and about 3 MiB.
 */
export const MAX_WINDOW_BYTES = 128 * 1024 * 1024;

export interface ZstdLimits extends ContentLimits {
  maxWindowBytes?: number;
}

/**
 * The content of a zstd-compressed raw image (`.img.zst`, RFC 8878): any number of frames, skippable and empty ones among
 * them, with or without declared sizes.
 *
 * Refused as IMAGE_INVALID: bytes after the last frame, damaged frames, wrong checksums, dictionaries, a window above
 * `maxWindowBytes`, and content that is itself another format. IMAGE_TRUNCATED: an end inside a frame, or before
 * `sizeBytes`. IMAGE_TOO_LONG: more than the limits, by a frame's declaration before a byte of it is decoded. Messages
 * and details name the byte in the file (of the start of the input that was being decoded) and in the image. Every piece
 * but the last has 1 MiB.
 */
export function zstdContent(open: ByteStream, limits: ZstdLimits): ImageContent {
  new ContentMeter(limits);
  async function* decoded(signal?: AbortSignal): AsyncGenerator<ImagePiece> {
    const frames = new ZstdFrames(new ContentMeter(limits), limits.maxWindowBytes ?? MAX_WINDOW_BYTES);
    for await (const chunk of open(signal)) {
      signal?.throwIfAborted();
      yield* frames.feed(chunk);
    }
    signal?.throwIfAborted();
    yield* frames.end();
  }
  async function* pieces(signal?: AbortSignal): AsyncGenerator<ImagePiece> {
    for await (const piece of decoded(signal)) {
      if (piece.offsetBytes === 0 && 'bytes' in piece) refuseNested(piece.bytes);
      yield piece;
    }
  }
  return { ...(limits.sizeBytes === undefined ? {} : { sizeBytes: limits.sizeBytes }), pieces };
}

function refuseNested(head: Uint8Array): void {
  const found = foreignFormat(head);
  if (found === undefined) return;
  throw new BtyError('IMAGE_INVALID', `the decompressed image is ${found}, not the bytes of a disk`, {
    details: { rawOffsetBytes: 0, found },
  });
}
