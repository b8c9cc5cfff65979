import type { DiskAccess } from './block-target.js';
import { ChunkJudge } from './chunk-judge.js';
import { type ChunkRun, type ChunkTable, cutRuns, runRange } from './chunk-table.js';
import { OneAtATime } from './one-at-a-time.js';
import type { Spent } from './segment.js';
import type { SlotPool } from './slot-pool.js';

/**
 * Reads chunks from the disk and says which are not what they are to be. As many blocks as there are slots are read at
 * once, in the order of the disk within a segment and from one to the next, so that the disk never waits.
 */
export class ChunkComparer {
  readonly #asking = new OneAtATime();
  readonly #judge: ChunkJudge;

  constructor(
    private readonly access: DiskAccess,
    private readonly table: ChunkTable,
    private readonly slots: SlotPool,
  ) {
    this.#judge = new ChunkJudge(table);
  }

  /** The chunks of the run that differ, ascending. Throws when nothing is being read any more. */
  async differing(run: ChunkRun, spent: Spent, signal: AbortSignal): Promise<number[]> {
    const blocks: Promise<number[]>[] = [];
    await this.#asking.run(async () => {
      for (const block of cutRuns([run], Math.max(1, this.slots.slotBytes / this.table.chunkBytes))) {
        const slot = await this.slots.take();
        const differing = this.#compareBlock(block, slot, spent, signal);
        differing.catch(() => undefined); // thrown below
        blocks.push(differing);
      }
    });
    await Promise.allSettled(blocks);
    return (await Promise.all(blocks)).flat();
  }

  async #compareBlock(run: ChunkRun, slot: Buffer, spent: Spent, signal: AbortSignal): Promise<number[]> {
    try {
      signal.throwIfAborted();
      const { offsetBytes, lengthBytes } = runRange(this.table, run);
      const askedMs = performance.now();
      await this.access.read(slot.subarray(0, lengthBytes), offsetBytes);
      const readMs = performance.now();
      const different = this.#judge.differing(run, slot.subarray(0, lengthBytes));
      spent.diskMs += readMs - askedMs;
      spent.cpuMs += performance.now() - readMs;
      return different;
    } finally {
      this.slots.give(slot);
    }
  }
}
