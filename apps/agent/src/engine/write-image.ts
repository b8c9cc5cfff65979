import type { ChunkSource } from '../source/chunk-source.js';
import { AlignedRing } from './aligned-ring.js';
import type { BlockTarget } from './block-target.js';
import { type ContentDigest, MARK_BYTES } from './digest.js';
import { collectYoungGarbage } from './young-garbage.js';

const PIECES_IN_FLIGHT = 8;
const PIECES_BETWEEN_COLLECTIONS = 16;

/** Reads the first `bytes` of an image into memory, before anything is written. */
export async function fetchHead(source: ChunkSource, bytes: number, signal: AbortSignal): Promise<Buffer> {
  const head = Buffer.alloc(bytes);
  let filled = 0;
  for await (const chunk of source.open({ startBytes: 0, endBytes: bytes }, signal)) {
    filled += chunk.copy(head, filled);
  }
  return head;
}

/**
 * Streams the image from `startBytes` to `endBytes` onto the same place of the target. Every byte is written, zeros too:
 * a re-used disk must not shine through the holes of an image. Writes overlap with the transfer.
 */
export async function writeImage(
  source: ChunkSource,
  target: BlockTarget,
  range: { startBytes: number; endBytes: number },
  digest: ContentDigest,
  onProgress: (bytesDone: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const ring = new AlignedRing(PIECES_IN_FLIGHT, MARK_BYTES);
  let buffer = await ring.take();
  let filled = 0;
  let offset = range.startBytes;
  let written = 0;
  const hand = (): void => {
    const piece = buffer.subarray(0, filled);
    digest.add(piece);
    const done = target.write(piece, offset).then(() => {
      written += piece.length;
      onProgress(written);
    });
    ring.give(done);
    offset += filled;
    filled = 0;
  };
  try {
    for await (const chunk of source.open(range, signal)) {
      for (let used = 0; used < chunk.length; ) {
        const copied = chunk.copy(buffer, filled, used);
        used += copied;
        filled += copied;
        if (filled < buffer.length) continue;
        hand();
        if (digest.marks.length % PIECES_BETWEEN_COLLECTIONS === 0) collectYoungGarbage();
        buffer = await ring.take();
        signal.throwIfAborted();
      }
    }
    if (filled > 0) hand();
    await ring.drain();
  } finally {
    // Nothing may still be writing when the caller goes on, least of all after an abort.
    await ring.settle();
  }
}
