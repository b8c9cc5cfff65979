import type { DiskAccess } from '../engine/block-target.js';
import type { ChunkTable } from '../engine/chunk-table.js';
import type { SegmentDone, SegmentTask } from '../engine/segment.js';
import { type Restoring, SEGMENTS_AT_ONCE, SegmentRunner } from '../engine/segment-runner.js';
import type { Crew } from './crew.js';

/** A crew of this thread alone; `threads` is how many share the memory for buffers. */
export class InlineCrew implements Crew {
  readonly threads = 1;
  readonly capacity = SEGMENTS_AT_ONCE;
  readonly #runner: SegmentRunner;
  readonly #abort = new AbortController();

  constructor(
    access: DiskAccess,
    table: ChunkTable,
    private readonly restoring?: Restoring,
    threads = 1,
  ) {
    this.#runner = new SegmentRunner(access, table, restoring, threads);
  }

  run(task: SegmentTask): Promise<SegmentDone> {
    return this.#runner.run(task, this.#abort.signal);
  }

  abort(reason: Error): void {
    this.#abort.abort(reason);
  }

  async close(): Promise<void> {
    this.restoring?.frames.close();
  }
}
