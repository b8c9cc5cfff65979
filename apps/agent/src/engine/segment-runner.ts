import type { DiskAccess } from './block-target.js';
import { ChunkComparer } from './chunk-comparer.js';
import { ChunkRestorer, type RestoreOrder } from './chunk-restorer.js';
import { addChunk, type ChunkRun, type ChunkTable, type PackedTable, runRange } from './chunk-table.js';
import { partMemoryBytes } from './frame-groups.js';
import type { FrameSource } from './frame-source.js';
import { nothingDone, type SegmentDone, type SegmentTask } from './segment.js';
import { SlotPool } from './slot-pool.js';

/** Segments that one runner works on at once: one reads while others fetch, decompress and write. */
export const SEGMENTS_AT_ONCE = 3;

const MIB = 1024 * 1024;
// The kernel cuts a reading into requests and hands them over together: with 4 MiB in place of 1 MiB a re-flash takes a sixth
// less processor.
const MAX_COMPARE_SLOT_BYTES = 4 * MIB;
const WRITE_SLOT_BYTES = MIB;
// What comes over the line is decompressed in parts of this size, from memory that the processor's cache still has.
const PART_BYTES = 512 * 1024;

/** What all threads of a flash share, in bytes: to compare, to write, and for what comes over the line. */
const COMPARE_MEMORY_BYTES = 16 * MIB;
const WRITE_MEMORY_BYTES = 12 * MIB;
const LINE_MEMORY_BYTES = 4 * MIB;

/** The share of one of so many threads. Large chunks take more than that, for they do not fit it. */
function poolOf(memoryBytes: number, threads: number, slotBytes: number): SlotPool {
  return new SlotPool(Math.max(2, Math.floor(memoryBytes / threads / slotBytes)), slotBytes);
}

/** The chunks to write, and where their frames come from. */
export interface Restoring {
  table: PackedTable;
  frames: FrameSource;
  /** Resolves when the disk may be written; called before each write of a segment. */
  mayWrite(): Promise<void>;
  onRetry(reason: string): void;
}

/** Carries out segments on one thread: disk, line and processor overlap. Its memory does not grow with the image. */
export class SegmentRunner {
  readonly #comparer: ChunkComparer;
  readonly #restorer: ChunkRestorer | undefined;

  constructor(
    private readonly access: DiskAccess,
    private readonly table: ChunkTable,
    private readonly restoring: Restoring | undefined,
    threads = 1,
  ) {
    const compareSlotBytes = Math.min(
      MAX_COMPARE_SLOT_BYTES,
      Math.max(COMPARE_MEMORY_BYTES / threads / 2, table.chunkBytes),
    );
    this.#comparer = new ChunkComparer(access, table, poolOf(COMPARE_MEMORY_BYTES, threads, compareSlotBytes));
    if (restoring === undefined) return;
    const slots = poolOf(WRITE_MEMORY_BYTES, threads, Math.max(WRITE_SLOT_BYTES, table.chunkBytes));
    const partSlots = poolOf(LINE_MEMORY_BYTES, threads, partMemoryBytes(table.chunkBytes, PART_BYTES));
    this.#restorer = new ChunkRestorer({ access, slots, partSlots, ...restoring });
  }

  async run(task: SegmentTask, signal: AbortSignal): Promise<SegmentDone> {
    const done = nothingDone();
    const unread = task.kind === 'write-through' && !(await this.#probeIsRight(task, done, signal));
    const different = unread ? chunksOf(task) : await this.#comparer.differing(task, done, signal);
    for (const chunk of different) addChunk(done.runs, chunk);
    done.skippedBytes = runRange(this.table, task).lengthBytes - this.#bytesOf(done.runs);
    if (task.kind !== 'look' && different.length > 0) {
      await this.restoring?.mayWrite();
      signal.throwIfAborted();
      await this.#restore(different, { ordered: unread, checked: task.checked === true }, done, signal);
    }
    return done;
  }

  /**
   * Whether the chunk that is written first in this segment is right already. When it is not, an earlier flash that was
   * cut off has written nothing of the segment.
   */
  async #probeIsRight(task: SegmentTask, done: SegmentDone, signal: AbortSignal): Promise<boolean> {
    const firstChunk = chunksOf(task).find((chunk) => !this.table.isZero(chunk)) ?? task.firstChunk;
    return (await this.#comparer.differing({ firstChunk, chunkCount: 1 }, done, signal)).length === 0;
  }

  async #restore(chunks: number[], order: RestoreOrder, done: SegmentDone, signal: AbortSignal): Promise<void> {
    const data = chunks.filter((chunk) => !this.table.isZero(chunk));
    const zeroRuns: ChunkRun[] = [];
    for (const chunk of chunks) if (this.table.isZero(chunk)) addChunk(zeroRuns, chunk);
    if (!order.ordered) await this.#zero(zeroRuns, done);
    await this.#restorer?.restore(data, order, done, signal);
    signal.throwIfAborted();
    if (order.ordered) await this.#zero(zeroRuns, done);
  }

  async #zero(runs: ChunkRun[], done: SegmentDone): Promise<void> {
    const startMs = performance.now();
    for (const run of runs) {
      const range = runRange(this.table, run);
      await this.access.zero(range);
      done.zeroedBytes += range.lengthBytes;
    }
    done.diskMs += performance.now() - startMs;
  }

  #bytesOf(runs: readonly ChunkRun[]): number {
    return runs.reduce((sum, run) => sum + runRange(this.table, run).lengthBytes, 0);
  }
}

function chunksOf({ firstChunk, chunkCount }: ChunkRun): number[] {
  return Array.from({ length: chunkCount }, (_, index) => firstChunk + index);
}
