import type { DiskAccess } from './block-target.js';
import { ChunkRestorer } from './chunk-restorer.js';
import type { PackedTable } from './chunk-table.js';
import { partMemoryBytes } from './frame-groups.js';
import type { FrameSource } from './frame-source.js';
import { nothingDone } from './segment.js';
import { SlotPool } from './slot-pool.js';

const MIB = 1024 * 1024;

/** A part of a disk in memory that takes writes. */
function memoryAccess(memory: Buffer, offsetBytes: number): Pick<DiskAccess, 'write'> {
  return {
    write: async (from, at) => void from.copy(memory, at - offsetBytes),
  };
}

/** Loads chunks of an image into memory, from the first to, not including, the end. Throws as a restore does. */
export async function loadChunks(
  table: PackedTable,
  { first, end }: { first: number; end: number },
  frames: FrameSource,
  onRetry: (reason: string) => void,
  signal: AbortSignal,
): Promise<{ offsetBytes: number; bytes: Buffer; fetchedBytes: number }> {
  const offsetBytes = Math.min(first * table.chunkBytes, table.contentBytes);
  const bytes = Buffer.alloc(Math.max(0, Math.min(end * table.chunkBytes, table.contentBytes) - offsetBytes));
  const chunks: number[] = [];
  for (let chunk = first; chunk < end; chunk += 1) if (!table.isZero(chunk)) chunks.push(chunk);
  const done = nothingDone();
  if (chunks.length > 0) {
    const slots = new SlotPool(2, Math.max(MIB, table.chunkBytes));
    const partSlots = new SlotPool(1, partMemoryBytes(table.chunkBytes, MIB));
    const access = memoryAccess(bytes, offsetBytes);
    const restorer = new ChunkRestorer({ access, table, frames, slots, partSlots, onRetry });
    await restorer.restore(chunks, { ordered: false, checked: true }, done, signal);
  }
  return { offsetBytes, bytes, fetchedBytes: done.fetchedBytes };
}
