import type { DiskAccess } from './block-target.js';
import { ChunkComparer } from './chunk-comparer.js';
import { ChunkRestorer } from './chunk-restorer.js';
import { addChunk, type ChunkRun, type ChunkTable, type PackedTable, runRange } from './chunk-table.js';
import type { FrameSource } from './frame-source.js';
import { nothingDone, type SegmentDone, type SegmentTask } from './segment.js';
import { SlotPool } from './slot-pool.js';

/** Segments that one runner works on at once: one reads while others fetch, decompress and write. */
export const SEGMENTS_AT_ONCE = 3;

const SLOT_BYTES = 1024 * 1024;
const SLOTS = 8;
const FETCH_BYTES = 2 * 1024 * 1024;
// A frame may be a little larger than its chunk.
const FRAME_OVERHEAD_BYTES = 64 * 1024;

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
  ) {
    const large = table.chunkBytes > SLOT_BYTES;
    const slots = new SlotPool(large ? SEGMENTS_AT_ONCE : SLOTS, Math.max(SLOT_BYTES, table.chunkBytes));
    this.#comparer = new ChunkComparer(access, table, slots);
    if (restoring === undefined) return;
    const fetchBytes = Math.max(FETCH_BYTES, table.chunkBytes + FRAME_OVERHEAD_BYTES);
    const fetchSlots = new SlotPool(large ? 2 : SEGMENTS_AT_ONCE, fetchBytes);
    this.#restorer = new ChunkRestorer({ access, slots, fetchSlots, ...restoring });
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
      await this.#restore(different, unread, done, signal);
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

  async #restore(chunks: number[], ordered: boolean, done: SegmentDone, signal: AbortSignal): Promise<void> {
    const data = chunks.filter((chunk) => !this.table.isZero(chunk));
    const zeroRuns: ChunkRun[] = [];
    for (const chunk of chunks) if (this.table.isZero(chunk)) addChunk(zeroRuns, chunk);
    if (!ordered) await this.#zero(zeroRuns, done);
    await this.#restorer?.restore(data, ordered, done, signal);
    signal.throwIfAborted();
    if (ordered) await this.#zero(zeroRuns, done);
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
