import { ChunkDecoder } from '@bty/image-format';
import { BtyError, toBtyError } from '@bty/wire-types';
import type { DiskAccess } from './block-target.js';
import { ChunkJudge } from './chunk-judge.js';
import type { PackedTable } from './chunk-table.js';
import { ExtentWriter } from './extent-writer.js';
import { type FrameGroup, type FramePart, frameGroups } from './frame-groups.js';
import { type FrameSource, fetchInto } from './frame-source.js';
import type { SegmentDone } from './segment.js';
import type { SlotPool } from './slot-pool.js';

const MAX_ATTEMPTS = 3;

/** What the restorer works with; the slots of `partSlots` take any part. */
export interface RestorerPorts {
  access: Pick<DiskAccess, 'write'>;
  table: PackedTable;
  frames: FrameSource;
  slots: SlotPool;
  partSlots: SlotPool;
  onRetry(reason: string): void;
}

/** How chunks are restored. */
export interface RestoreOrder {
  /** The first write ends before any other begins. */
  ordered: boolean;
  /** No chunk is written whose digest is not right: for chunks that nobody reads back. */
  checked: boolean;
}

/** Fetches the frames of data chunks, decompresses them, and writes the chunks. */
export class ChunkRestorer {
  // Who reads back, or has checked, knows more than a frame's checksum.
  readonly #decoder = new ChunkDecoder({ ignoreChecksum: true });
  readonly #judge: ChunkJudge;

  constructor(private readonly ports: RestorerPorts) {
    this.#judge = new ChunkJudge(ports.table);
  }

  /** Restores ascending data chunks. Returns when all are written, and throws when nothing is being written any more. */
  async restore(
    chunks: readonly number[],
    { ordered, checked }: RestoreOrder,
    done: SegmentDone,
    signal: AbortSignal,
  ): Promise<void> {
    const { access, slots, table, partSlots } = this.ports;
    const writer = new ExtentWriter(access, slots, ordered, done);
    try {
      for (const group of frameGroups(table, chunks, partSlots.slotBytes)) {
        await this.#restoreGroup(group, checked, writer, done, signal);
      }
      await writer.end();
    } finally {
      await writer.abandon();
    }
  }

  /** One request; each part of its answer is decompressed as soon as it is there, while the kernel receives the next. */
  async #restoreGroup(
    { range, parts }: FrameGroup,
    checked: boolean,
    writer: ExtentWriter,
    done: SegmentDone,
    signal: AbortSignal,
  ): Promise<void> {
    const { partSlots, frames } = this.ports;
    const memory = await partSlots.take();
    const left = parts.values();
    let part = left.next().value;
    let sinceMs = performance.now();
    const receiver = {
      next: () => memory.subarray(0, part?.lengthBytes),
      full: async () => {
        done.networkMs += performance.now() - sinceMs;
        if (part !== undefined) await this.#restorePart(part, memory, checked, writer, done, signal);
        part = left.next().value;
        sinceMs = performance.now();
      },
    };
    try {
      await frames.receive(range, receiver, signal);
      done.fetchedBytes += range.lengthBytes;
    } finally {
      partSlots.give(memory);
    }
  }

  async #restorePart(
    part: FramePart,
    memory: Buffer,
    checked: boolean,
    writer: ExtentWriter,
    done: SegmentDone,
    signal: AbortSignal,
  ): Promise<void> {
    const { table } = this.ports;
    let sinceMs = performance.now();
    for (const chunk of part.chunks) {
      const { offsetBytes, lengthBytes } = table.chunkRange(chunk);
      const room = writer.room(offsetBytes, lengthBytes);
      let into: Buffer;
      if (room instanceof Promise) {
        done.cpuMs += performance.now() - sinceMs;
        into = await room;
        sinceMs = performance.now();
      } else into = room;
      const frame = table.frame(chunk);
      const from = frame.offsetBytes - part.offsetBytes;
      const problem = this.#tryDecode(chunk, memory.subarray(from, from + frame.lengthBytes), into, checked);
      if (problem !== undefined) await this.#fetchAgain(chunk, into, problem, done, signal);
    }
    done.cpuMs += performance.now() - sinceMs;
  }

  /** Fetches one chunk alone, until its digest is right. */
  async #fetchAgain(
    chunk: number,
    into: Buffer,
    problem: BtyError,
    done: SegmentDone,
    signal: AbortSignal,
  ): Promise<void> {
    const { table, frames, onRetry } = this.ports;
    const range = table.chunkRange(chunk);
    const place = `chunk ${chunk} (bytes ${range.offsetBytes} to ${range.offsetBytes + range.lengthBytes} of the image)`;
    const { offsetBytes, lengthBytes } = table.frame(chunk);
    let last: BtyError | undefined = problem;
    for (let attempt = 1; last !== undefined; attempt += 1) {
      if (attempt === MAX_ATTEMPTS) {
        throw new BtyError('DIGEST_MISMATCH', `${place} came damaged ${attempt} times: ${last.message}`, {
          details: { chunk, offset_bytes: range.offsetBytes, length_bytes: range.lengthBytes },
          cause: last,
        });
      }
      onRetry(`${place} came damaged: ${last.message}; fetching it again`);
      const frame = Buffer.alloc(lengthBytes);
      await fetchInto(frames, offsetBytes, frame, signal);
      done.fetchedBytes += lengthBytes;
      last = this.#tryDecode(chunk, frame, into, true);
    }
  }

  #tryDecode(chunk: number, frame: Buffer, into: Buffer, checked: boolean): BtyError | undefined {
    try {
      this.#decoder.decode(frame, into);
    } catch (thrown) {
      return toBtyError(thrown);
    }
    if (!checked || this.#judge.isRight(chunk, into)) return undefined;
    return new BtyError('DIGEST_MISMATCH', 'it does not have the digest that the map states');
  }
}
