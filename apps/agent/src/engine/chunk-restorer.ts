import { ChunkDecoder } from '@bty/image-format';
import { BtyError, toBtyError } from '@bty/wire-types';
import { blake3 } from '@napi-rs/blake-hash';
import type { DiskAccess } from './block-target.js';
import type { PackedTable } from './chunk-table.js';
import { type FrameGroup, frameGroups } from './frame-groups.js';
import type { FrameSource } from './frame-source.js';
import type { SegmentDone } from './segment.js';
import type { SlotPool } from './slot-pool.js';

const MAX_ATTEMPTS = 3;

/** What the restorer works with; the slots of `fetchSlots` take the largest request. */
export interface RestorerPorts {
  access: Pick<DiskAccess, 'write'>;
  table: PackedTable;
  frames: FrameSource;
  slots: SlotPool;
  fetchSlots: SlotPool;
  onRetry(reason: string): void;
}

/** Writes of one segment. With `ordered` the first one ends before any other begins. */
class SegmentWrites {
  readonly #all: Promise<void>[] = [];
  #before: Promise<void> = Promise.resolve();

  constructor(private readonly ordered: boolean) {}

  /** `after` is called in any case, also when the write is not begun any more. */
  add(write: () => Promise<void>, after: () => void): void {
    const work = this.#before.then(write).finally(after);
    work.catch(() => undefined); // thrown by `done`
    if (this.ordered && this.#all.length === 0) this.#before = work;
    this.#all.push(work);
  }

  async done(): Promise<void> {
    await this.settled();
    await Promise.all(this.#all);
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#all);
  }
}

/** Fetches the frames of data chunks, decompresses them, checks each chunk's digest, and writes the chunks. */
export class ChunkRestorer {
  readonly #decoder = new ChunkDecoder();

  constructor(private readonly ports: RestorerPorts) {}

  /** Restores ascending data chunks. Returns when all are written, and throws when nothing is being written any more. */
  async restore(chunks: readonly number[], ordered: boolean, done: SegmentDone, signal: AbortSignal): Promise<void> {
    const writes = new SegmentWrites(ordered);
    try {
      for (const group of frameGroups(this.ports.table, chunks, this.ports.fetchSlots.slotBytes)) {
        const slot = await this.ports.fetchSlots.take();
        try {
          const bytes = slot.subarray(0, group.range.lengthBytes);
          await this.#fetch(group.range.offsetBytes, bytes, done, signal);
          await this.#decodeGroup(group, bytes, writes, done, signal);
        } finally {
          this.ports.fetchSlots.give(slot);
        }
      }
      await writes.done();
    } finally {
      await writes.settled();
    }
  }

  async #fetch(offsetBytes: number, into: Buffer, done: SegmentDone, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const startMs = performance.now();
    done.fetchedBytes += await this.ports.frames.fetch(offsetBytes, into, signal);
    done.networkMs += performance.now() - startMs;
  }

  /** Neighbouring chunks are written together, as far as they fit one slot. */
  async #decodeGroup(
    group: FrameGroup,
    frames: Buffer,
    writes: SegmentWrites,
    done: SegmentDone,
    signal: AbortSignal,
  ): Promise<void> {
    const { table, slots } = this.ports;
    let slot: Buffer | undefined;
    let startBytes = 0;
    let filledBytes = 0;
    const write = (): void => {
      if (slot === undefined) return;
      this.#write(slot, filledBytes, startBytes, writes, done);
      slot = undefined;
    };
    try {
      for (const chunk of group.chunks) {
        const { offsetBytes, lengthBytes } = table.chunkRange(chunk);
        if (offsetBytes !== startBytes + filledBytes || filledBytes + lengthBytes > slots.slotBytes) write();
        if (slot === undefined) {
          slot = await slots.take();
          startBytes = offsetBytes;
          filledBytes = 0;
        }
        const frame = table.frame(chunk);
        const from = frame.offsetBytes - group.range.offsetBytes;
        const into = slot.subarray(filledBytes, filledBytes + lengthBytes);
        await this.#decode(chunk, frames.subarray(from, from + frame.lengthBytes), into, done, signal);
        filledBytes += lengthBytes;
      }
      write();
    } finally {
      if (slot !== undefined) slots.give(slot);
    }
  }

  #write(slot: Buffer, bytes: number, offsetBytes: number, writes: SegmentWrites, done: SegmentDone): void {
    const { access, slots } = this.ports;
    const write = async (): Promise<void> => {
      const startMs = performance.now();
      await access.write(slot.subarray(0, bytes), offsetBytes);
      done.diskMs += performance.now() - startMs;
      done.writtenBytes += bytes;
    };
    writes.add(write, () => slots.give(slot));
  }

  async #decode(chunk: number, frame: Buffer, into: Buffer, done: SegmentDone, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const problem = this.#tryDecode(chunk, frame, into, done);
      if (problem === undefined) return;
      const { offsetBytes, lengthBytes } = this.ports.table.chunkRange(chunk);
      const place = `chunk ${chunk} (bytes ${offsetBytes} to ${offsetBytes + lengthBytes} of the image)`;
      if (attempt === MAX_ATTEMPTS) {
        throw new BtyError('DIGEST_MISMATCH', `${place} came damaged ${attempt} times: ${problem.message}`, {
          details: { chunk, offset_bytes: offsetBytes, length_bytes: lengthBytes },
          cause: problem,
        });
      }
      this.ports.onRetry(`${place} came damaged: ${problem.message}; fetching it again`);
      const { offsetBytes: packOffset, lengthBytes: frameBytes } = this.ports.table.frame(chunk);
      frame = Buffer.alloc(frameBytes);
      await this.#fetch(packOffset, frame, done, signal);
    }
  }

  #tryDecode(chunk: number, frame: Buffer, into: Buffer, done: SegmentDone): BtyError | undefined {
    const startMs = performance.now();
    try {
      this.#decoder.decode(frame, into);
      if (blake3(into).equals(this.ports.table.digest(chunk))) return undefined;
      return new BtyError('DIGEST_MISMATCH', 'it does not have the digest that the map states');
    } catch (thrown) {
      return toBtyError(thrown);
    } finally {
      done.cpuMs += performance.now() - startMs;
    }
  }
}
