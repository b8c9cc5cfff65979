import type { DiskAccess } from './block-target.js';
import { ChunkJudge } from './chunk-judge.js';
import { type ChunkRun, type ChunkTable, cutRuns, runRange } from './chunk-table.js';
import { OneAtATime } from './one-at-a-time.js';
import type { Spent } from './segment.js';
import type { SlotPool } from './slot-pool.js';

interface Block {
  run: ChunkRun;
  offsetBytes: number;
  bytes: Buffer;
}

// One is compared while the next is on its way.
const READS_AHEAD = 2;
/** Reads chunks from the disk and says which are not what they are to be. One segment is read at a time, in order. */
export class ChunkComparer {
  readonly #reading = new OneAtATime();
  readonly #judge: ChunkJudge;

  constructor(
    private readonly access: DiskAccess,
    private readonly table: ChunkTable,
    private readonly slots: SlotPool,
  ) {
    this.#judge = new ChunkJudge(table);
  }

  /** The chunks of the run that differ, ascending. */
  differing(run: ChunkRun, spent: Spent, signal: AbortSignal): Promise<number[]> {
    return this.#reading.run(async () => {
      const different: number[] = [];
      for await (const block of this.#blocks(run, spent, signal)) {
        const startMs = performance.now();
        this.#judgeBlock(block, different);
        spent.cpuMs += performance.now() - startMs;
      }
      return different;
    });
  }

  #judgeBlock({ run, offsetBytes, bytes }: Block, different: number[]): void {
    for (let chunk = run.firstChunk; chunk < run.firstChunk + run.chunkCount; chunk += 1) {
      const range = this.table.chunkRange(chunk);
      const from = range.offsetBytes - offsetBytes;
      if (!this.#judge.isRight(chunk, bytes.subarray(from, from + range.lengthBytes))) different.push(chunk);
    }
  }

  async *#blocks(run: ChunkRun, spent: Spent, signal: AbortSignal): AsyncGenerator<Block> {
    const left = [...cutRuns([run], Math.max(1, this.slots.slotBytes / this.table.chunkBytes))];
    const ahead: { run: ChunkRun; loading: Promise<Buffer> }[] = [];
    try {
      for (;;) {
        while (ahead.length < READS_AHEAD) {
          const next = left.shift();
          if (next === undefined) break;
          const loading = this.#load(next);
          loading.catch(() => undefined); // it is thrown when its turn comes
          ahead.push({ run: next, loading });
        }
        const [first] = ahead;
        if (first === undefined) return;
        signal.throwIfAborted();
        const startMs = performance.now();
        const slot = await first.loading;
        spent.diskMs += performance.now() - startMs;
        ahead.shift();
        try {
          const { offsetBytes, lengthBytes } = runRange(this.table, first.run);
          yield { run: first.run, offsetBytes, bytes: slot.subarray(0, lengthBytes) };
        } finally {
          this.slots.give(slot);
        }
      }
    } finally {
      for (const { loading } of ahead) {
        await loading.then(
          (slot) => this.slots.give(slot),
          () => undefined,
        );
      }
    }
  }

  async #load(run: ChunkRun): Promise<Buffer> {
    const slot = await this.slots.take();
    try {
      const { offsetBytes, lengthBytes } = runRange(this.table, run);
      await this.access.read(slot.subarray(0, lengthBytes), offsetBytes);
      return slot;
    } catch (error) {
      this.slots.give(slot);
      throw error;
    }
  }
}
