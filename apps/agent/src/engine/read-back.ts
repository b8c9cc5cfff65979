import { BtyError } from '@bty/wire-types';
import { AlignedRing } from './aligned-ring.js';
import type { BlockTarget } from './block-target.js';
import { ContentDigest, MARK_BYTES } from './digest.js';

const READS_AHEAD = 4;

/** The failure of a read-back: names the first byte of the piece that differs. */
function verifyMismatch(path: string, offsetBytes: number, lengthBytes: number): BtyError {
  const lba = Math.floor(offsetBytes / 512);
  const place = `within the ${lengthBytes} bytes from byte ${offsetBytes} (LBA ${lba})`;
  return new BtyError('VERIFY_MISMATCH', `${path} does not give back what was written, ${place}`, {
    details: { path, offset_bytes: offsetBytes, length_bytes: lengthBytes, lba },
  });
}

/**
 * Reads the target from `startBytes` to `endBytes` and compares it with what was written there. `head` is what goes
 * before `startBytes` and is not on the target yet; the digest of both must equal `blake3`. Throws `VERIFY_MISMATCH`.
 */
export async function readBack(
  target: BlockTarget,
  range: { startBytes: number; endBytes: number },
  written: { head: Buffer; marks: readonly number[]; blake3: string },
  onProgress: (bytesDone: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const ring = new AlignedRing(READS_AHEAD, MARK_BYTES);
  const digest = new ContentDigest();
  digest.add(written.head);
  const pieces: { at: number; bytes: Buffer; ready: Promise<void> }[] = [];
  try {
    for (let at = range.startBytes; at < range.endBytes || pieces.length > 0; ) {
      signal.throwIfAborted();
      if (at < range.endBytes && pieces.length < READS_AHEAD) {
        const bytes = (await ring.take()).subarray(0, Math.min(MARK_BYTES, range.endBytes - at));
        const ready = target.read(bytes, at);
        ring.give(ready);
        pieces.push({ at, bytes, ready });
        at += bytes.length;
        continue;
      }
      const piece = pieces.shift();
      if (piece === undefined) break;
      await piece.ready;
      digest.add(piece.bytes);
      if (digest.marks.at(-1) !== written.marks[digest.marks.length - 1]) {
        throw verifyMismatch(target.path, piece.at, piece.bytes.length);
      }
      onProgress(piece.at + piece.bytes.length - range.startBytes);
    }
  } finally {
    await ring.settle();
  }
  if (digest.hex() !== written.blake3) throw verifyMismatch(target.path, 0, range.endBytes);
}

/** Compares one piece of the target with the bytes that belong there. */
export async function readBackPiece(target: BlockTarget, expected: Buffer, offsetBytes: number): Promise<void> {
  const actual = Buffer.alloc(expected.length);
  await target.read(actual, offsetBytes);
  if (!actual.equals(expected)) throw verifyMismatch(target.path, offsetBytes, expected.length);
}
