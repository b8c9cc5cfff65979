import { applyPatches, expectedDisk, type ImageContent, MARGIN_BYTES, readPartitions } from '@bty/image-format';
import { BtyError } from '@bty/wire-types';
import type { DiskAccess } from './block-target.js';
import { comparePieces } from './check-packed.js';
import { BLOCK_BYTES, contentBlocks } from './content-blocks.js';
import { type DiskCheck, diskCheck, RangeSet } from './differences.js';
import { backupTableBytes, diskZones, piecesOf, tailPieces } from './disk-zones.js';
import type { EnginePorts } from './engine.js';
import { SlotPool } from './slot-pool.js';

const SLOTS = 2;

/** Compares one block, or a run of zero blocks, with the disk; in pages. */
async function compareBlock(
  access: DiskAccess,
  offsetBytes: number,
  bytes: Buffer | undefined,
  lengthBytes: number,
  actual: Buffer,
  differing: RangeSet,
): Promise<void> {
  for (let done = 0; done < lengthBytes; done += BLOCK_BYTES) {
    const read = actual.subarray(0, Math.min(BLOCK_BYTES, lengthBytes - done));
    await access.read(read, offsetBytes + done);
    const expected = bytes === undefined ? Buffer.alloc(read.length) : bytes;
    differing.addDiffering(expected, read, offsetBytes + done);
  }
}

/** Compares a disk with an image that has no map, and writes nothing. Reports as `checkPacked`, in pages of 4 KiB. */
export async function checkContent(
  access: DiskAccess,
  content: ImageContent,
  ports: Pick<EnginePorts, 'onProgress' | 'log'>,
  signal: AbortSignal,
): Promise<DiskCheck> {
  const slots = new SlotPool(SLOTS, BLOCK_BYTES);
  const actual = await new SlotPool(1, BLOCK_BYTES).take();
  const differing = new RangeSet();
  let head: Buffer | undefined;
  let zones = diskZones(0, access.sizeBytes, 0);
  let contentBytes = 0;
  const rest: Buffer[] = [];
  for await (const block of contentBlocks(content, slots, signal)) {
    const start = block.firstBlock * BLOCK_BYTES;
    const bytes = block.slot?.subarray(0, block.lengthBytes);
    if (head === undefined) {
      head = Buffer.alloc(Math.min(MARGIN_BYTES, block.lengthBytes));
      bytes?.copy(head);
      zones = diskZones(head.length, access.sizeBytes, backupTableBytes(head, access.sizeBytes));
    }
    const from = Math.max(start, head.length);
    const bodyEnd = Math.max(from, Math.min(start + block.lengthBytes, zones.tailStartBytes));
    const part = bytes?.subarray(from - start, bodyEnd - start);
    await compareBlock(access, from, part, bodyEnd - from, actual, differing);
    const left = start + block.lengthBytes - bodyEnd;
    if (left > 0) rest.push(bytes === undefined ? Buffer.alloc(left) : Buffer.from(bytes.subarray(bodyEnd - start)));
    if (block.slot !== undefined) slots.give(block.slot);
    contentBytes = start + block.lengthBytes;
    ports.onProgress(contentBytes, content.sizeBytes ?? access.sizeBytes);
  }
  if (head === undefined) throw new BtyError('IMAGE_TRUNCATED', 'the image has no bytes');
  const plan = expectedDisk(head, contentBytes, access.sizeBytes);
  if (plan.note !== undefined) ports.log(`the image's GPT is left as it is: ${plan.note}`);
  const restBytes = Buffer.concat(rest);
  const restStart = contentBytes - restBytes.length;
  const first = Buffer.from(head);
  applyPatches(plan.patches, first, 0);
  const tail = tailPieces(zones, plan, { offsetBytes: restStart, bytes: restBytes });
  const compared = await comparePieces(access, [...piecesOf(zones, 0, first), ...tail], differing);
  return diskCheck(restStart - head.length + compared, differing.merged(), readPartitions(head));
}
