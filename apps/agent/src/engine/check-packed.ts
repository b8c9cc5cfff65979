import { readPartitions } from '@bty/image-format';
import { type Crew, handOut } from '../crew/crew.js';
import type { DiskAccess } from './block-target.js';
import { cutRuns, runRange } from './chunk-table.js';
import { type DiskCheck, diskCheck, RangeSet } from './differences.js';
import type { FixedPiece } from './disk-zones.js';
import type { EnginePorts } from './engine.js';
import { segmentChunks } from './finish-flash.js';
import { type PackedFlash, planPacked } from './prepare-packed.js';

/** A check of a disk against an image that has a map; `openCrew` opens those who read. */
export interface PackedCheck extends Pick<PackedFlash, 'table' | 'frames'> {
  access: DiskAccess;
  openCrew(): Crew;
}

/** Reads the places of known pieces, and notes what differs. Gives the count of bytes compared. */
export async function comparePieces(
  access: DiskAccess,
  pieces: readonly FixedPiece[],
  differing: RangeSet,
): Promise<number> {
  let compared = 0;
  for (const { offsetBytes, bytes } of pieces) {
    const actual = Buffer.alloc(bytes.length);
    await access.read(actual, offsetBytes);
    differing.addDiffering(bytes, actual, offsetBytes);
    compared += bytes.length;
  }
  return compared;
}

/**
 * Compares a disk with the image that it is to hold, and writes nothing: what differs, in chunks of the map (in pages of
 * 4 KiB in head and tail), and in which partitions. Bytes beyond the image count as far as the expected disk says what
 * they are.
 */
export async function checkPacked(
  check: PackedCheck,
  ports: Pick<EnginePorts, 'onProgress' | 'log'>,
  signal: AbortSignal,
): Promise<DiskCheck> {
  const { access, table, frames } = check;
  const crew = check.openCrew();
  try {
    const { head, pieces, body } = await planPacked({ target: access, table, frames }, ports.log, signal);
    const differing = new RangeSet();
    let compared = await comparePieces(access, pieces, differing);
    const runs = body.end > body.first ? [{ firstChunk: body.first, chunkCount: body.end - body.first }] : [];
    const tasks = [...cutRuns(runs, segmentChunks(table))].map((run) => ({ kind: 'look', ...run }) as const);
    await handOut(
      crew,
      tasks,
      (done, task) => {
        for (const run of done.runs) differing.add(runRange(table, run));
        compared += runRange(table, task).lengthBytes;
        ports.onProgress(compared, Math.max(compared, table.contentBytes));
      },
      signal,
    );
    return diskCheck(compared, differing.merged(), readPartitions(head));
  } finally {
    await crew.close();
    frames.close();
  }
}
