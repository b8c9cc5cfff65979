import { applyPatches, type ExpectedDisk } from '@bty/image-format';
import type { BlockTarget } from './block-target.js';
import { readBackPiece } from './read-back.js';

function beyondHead(expected: ExpectedDisk, headBytes: number): { offsetBytes: number; bytes: Buffer }[] {
  return expected.patches
    .map(({ offsetBytes, bytes }) => {
      const inHead = Math.min(bytes.length, Math.max(0, headBytes - offsetBytes));
      return { offsetBytes: offsetBytes + inHead, bytes: bytes.subarray(inHead) };
    })
    .filter(({ bytes }) => bytes.length > 0);
}

/** Writes the patches that lie beyond the head, which is a larger disk's new backup GPT. Returns the bytes written. */
export async function writeDiskEnd(target: BlockTarget, expected: ExpectedDisk, headBytes: number): Promise<number> {
  let written = 0;
  for (const { offsetBytes, bytes } of beyondHead(expected, headBytes)) {
    await target.write(bytes, offsetBytes);
    written += bytes.length;
  }
  return written;
}

/** Reads the wiped range and the patches beyond the head back. Returns the bytes compared. */
export async function verifyDiskEnd(target: BlockTarget, expected: ExpectedDisk, headBytes: number): Promise<number> {
  const wiped = Buffer.alloc(expected.wipe.lengthBytes);
  applyPatches(expected.patches, wiped, expected.wipe.offsetBytes);
  await readBackPiece(target, wiped, expected.wipe.offsetBytes);
  let compared = wiped.length;
  for (const { offsetBytes, bytes } of beyondHead(expected, headBytes)) {
    await readBackPiece(target, bytes, offsetBytes);
    compared += bytes.length;
  }
  return compared;
}
