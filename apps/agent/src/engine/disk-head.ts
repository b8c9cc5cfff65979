import { applyPatches, type ExpectedDisk, MARGIN_BYTES } from '@bty/image-format';
import type { BlockTarget } from './block-target.js';
import { readBackPiece } from './read-back.js';

/** Without its first and last MiB a disk does not look bootable, nor like a member of an old array. */
export async function blankEnds(target: BlockTarget, headBytes: number): Promise<void> {
  await target.zero({ offsetBytes: 0, lengthBytes: headBytes });
  const tail = Math.max(headBytes, target.sizeBytes - MARGIN_BYTES);
  await target.zero({ offsetBytes: tail, lengthBytes: target.sizeBytes - tail });
  await target.flush();
}

/** Makes the disk bootable: the last thing that is written. Returns the bytes read back. */
export async function writeHead(
  target: BlockTarget,
  head: Buffer,
  plan: ExpectedDisk,
  verify: boolean,
): Promise<number> {
  const final = Buffer.from(head);
  applyPatches(plan.patches, final, 0);
  try {
    await target.write(final, 0);
    await target.flush();
    if (!verify) return 0;
    await readBackPiece(target, final, 0);
    return final.length;
  } catch (error) {
    // A table that may be half written must not boot. When the disk refuses this too, the first failure is the one to tell.
    await blankEnds(target, head.length).catch(() => undefined);
    throw error;
  }
}
