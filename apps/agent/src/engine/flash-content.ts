import { applyPatches, expectedDisk, type ImageContent, MARGIN_BYTES } from '@bty/image-format';
import { BtyError, type VerifyMode } from '@bty/wire-types';
import type { Crew } from '../crew/crew.js';
import type { BlockTarget } from './block-target.js';
import { bottleneckOf } from './bottleneck.js';
import { BLOCK_BYTES, type ContentBlock, contentBlocks } from './content-blocks.js';
import { ContentWriter } from './content-writer.js';
import { DigestTable } from './digest-table.js';
import { backupTableBytes, type DiskZones, diskZones, piecesOf, tailPieces } from './disk-zones.js';
import type { EnginePorts, EngineReport, Provisioning, StageClock } from './engine.js';
import { finishFlash } from './finish-flash.js';
import { FirstWrite } from './first-write.js';
import { FixedParts } from './fixed-parts.js';
import { nothingDone, type SegmentDone } from './segment.js';
import { SlotPool } from './slot-pool.js';

/** A flash of an image that has no map: its content comes in order, from its start. */
export interface ContentOrder {
  target: BlockTarget;
  content: ImageContent;
  verify: VerifyMode;
  stages: StageClock;
  provisioning?: Provisioning | undefined;
  /** Opens those who read back. */
  openCrew(table: DigestTable): Crew;
}

// What is being read, compared and written at once, beside what the reader holds.
const SLOTS = 12;

/** What has come of the content: how much, the blocks that share the disk's tail, and the writer that has the rest. */
class Stream {
  readonly parts: FixedParts;
  readonly writer: ContentWriter;
  /** The first block that is kept in memory, for it shares the tail of the disk. */
  readonly bodyEnd: number;
  contentBytes: number;
  readonly #rest: Buffer[] = [];

  constructor(
    readonly head: Buffer,
    readonly zones: DiskZones,
    parts: FixedParts,
    writer: ContentWriter,
  ) {
    this.parts = parts;
    this.writer = writer;
    this.contentBytes = head.length;
    this.bodyEnd = Math.max(1, Math.floor(zones.tailStartBytes / BLOCK_BYTES));
  }

  /** The bytes from `bodyEnd` on, and where they begin. */
  rest(): { offsetBytes: number; bytes: Buffer } {
    const bytes = Buffer.concat(this.#rest);
    return { offsetBytes: this.contentBytes - bytes.length, bytes };
  }

  /** Takes a block after the head; its slot belongs to the writer, or goes back to the pool. */
  take(block: ContentBlock, slots: SlotPool): void {
    this.contentBytes = block.firstBlock * BLOCK_BYTES + block.lengthBytes;
    if (block.zeros === true) this.#takeZeros(block.firstBlock, block.lengthBytes);
    else if (block.firstBlock < this.bodyEnd) this.writer.add(block);
    else {
      this.#rest.push(Buffer.from(block.slot.subarray(0, block.lengthBytes)));
      slots.give(block.slot);
    }
  }

  #takeZeros(firstBlock: number, lengthBytes: number): void {
    const inBody = Math.min(lengthBytes, Math.max(0, this.bodyEnd - firstBlock) * BLOCK_BYTES);
    if (inBody > 0) this.writer.add({ firstBlock, lengthBytes: inBody, zeros: true });
    if (lengthBytes > inBody) this.#rest.push(Buffer.alloc(lengthBytes - inBody));
  }
}

interface Work {
  order: ContentOrder;
  firstWrite: FirstWrite;
  totals: SegmentDone;
  slots: SlotPool;
}

/** Keeps the head, and looks at the disk; nothing is written yet. Blocks of zeros after the head are taken in. */
async function startStream(block: ContentBlock, { order, firstWrite, totals, slots }: Work): Promise<Stream> {
  const { target } = order;
  const headBytes = Math.min(MARGIN_BYTES, block.lengthBytes);
  const head = Buffer.alloc(headBytes);
  block.slot?.copy(head);
  order.provisioning?.check(head);
  if (block.slot !== undefined) slots.give(block.slot);
  const zones = diskZones(headBytes, target.sizeBytes, backupTableBytes(head, target.sizeBytes));
  const parts = await FixedParts.inspect(target, zones);
  firstWrite.parts = parts;
  const stream = new Stream(head, zones, parts, new ContentWriter(target, slots, firstWrite.mayWrite, totals));
  const more = block.lengthBytes - headBytes;
  if (more > 0) stream.take({ firstBlock: 1, lengthBytes: more, zeros: true }, slots);
  return stream;
}

/** Takes the content in: its head and what lies in the disk's tail are kept, the body is put on the disk. */
async function takeIn(work: Work, ports: EnginePorts, signal: AbortSignal): Promise<Stream> {
  const { order, slots } = work;
  const { content, target } = order;
  let stream: Stream | undefined;
  try {
    for await (const block of contentBlocks(content, slots, signal)) {
      signal.throwIfAborted();
      if (stream === undefined) stream = await startStream(block, work);
      else stream.take(block, slots);
      ports.onProgress(stream.contentBytes, content.sizeBytes ?? target.sizeBytes);
    }
    await stream?.writer.drain();
  } finally {
    await stream?.writer.settle();
  }
  if (stream === undefined) throw new BtyError('IMAGE_TRUNCATED', 'the image has no bytes');
  return stream;
}

function reasonOf({ comparedGroups, writtenGroups }: ContentWriter): string {
  const parts = `of ${comparedGroups + writtenGroups} parts of 16 MiB, ${comparedGroups} began right and were compared`;
  return `the image comes in order: ${parts}, ${writtenGroups} were written`;
}

/**
 * Makes the disk equal to an image that has no map, in the same order of truth as `flashPacked`: what is right already is
 * left alone, and until all is right and proved the disk has no first MiB. Throws as that does.
 */
export async function flashContent(
  order: ContentOrder,
  ports: EnginePorts,
  signal: AbortSignal,
): Promise<EngineReport> {
  const { target, verify, stages, provisioning } = order;
  const totals = nothingDone();
  const firstWrite = new FirstWrite(stages, signal);
  let crew: Crew | undefined;
  try {
    stages.enter('comparing');
    const startMs = ports.nowMs();
    const slots = new SlotPool(SLOTS, BLOCK_BYTES);
    const stream = await takeIn({ order, firstWrite, totals, slots }, ports, signal);
    const { contentBytes, head, zones, parts, writer } = stream;
    const plan = expectedDisk(head, contentBytes, target.sizeBytes);
    if (plan.note !== undefined) ports.log(`the image's GPT is left as it is: ${plan.note}`);
    const rest = stream.rest();
    const first = Buffer.from(head);
    applyPatches(plan.patches, first, 0);
    await parts.add([...piecesOf(zones, 0, first), ...tailPieces(zones, plan, rest)]);
    const table = new DigestTable(writer.digests.facts(contentBytes));
    const written = {
      target,
      table,
      crew: () => {
        crew ??= order.openCrew(table);
        return crew;
      },
      parts,
      verify,
      restored: writer.restored,
      canRestoreAgain: false,
      body: { firstChunk: 1, chunkCount: Math.max(0, Math.ceil(rest.offsetBytes / BLOCK_BYTES) - 1) },
      totals,
      stages,
      firstWrite,
      provision: provisioning && (() => provisioning.write(head)),
    };
    const verifiedBytes = await finishFlash(written, ports, signal);
    return {
      fetchedBytes: 0,
      writtenBytes: totals.writtenBytes,
      skippedBytes: totals.skippedBytes,
      zeroedBytes: totals.zeroedBytes,
      verifiedBytes,
      verify,
      strategy: writer.comparedGroups >= writer.writtenGroups ? 'compare' : 'write-through',
      strategyReason: reasonOf(writer),
      bottleneck: bottleneckOf(totals, ports.nowMs() - startMs, 1),
      stageMs: stages.stop(),
      plan,
      head,
    };
  } catch (thrown) {
    throw firstWrite.failure(thrown, target.path);
  } finally {
    await crew?.close();
  }
}
