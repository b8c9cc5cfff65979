import {
  type EfiSystemPartition,
  type ExpectedDisk,
  efiSystemPartition,
  expectedDisk,
  MARGIN_BYTES,
  readPrimaryGpt,
} from '@bty/image-format';
import { chooseTarget } from '@bty/target-choice';
import {
  BtyError,
  type FlashResult,
  type FlashStage,
  type FlashStart,
  type InventoryDisk,
  toBtyError,
} from '@bty/wire-types';
import type { BlockTarget } from './engine/block-target.js';
import { ContentDigest } from './engine/digest.js';
import { verifyDiskEnd, writeDiskEnd } from './engine/disk-end.js';
import { blankEnds, writeHead } from './engine/disk-head.js';
import { readBack } from './engine/read-back.js';
import { fetchHead, writeImage } from './engine/write-image.js';
import type { ChunkSource } from './source/chunk-source.js';

/** What a flash needs of its surroundings. */
export interface FlashPorts {
  /** The machine's disks as they are now. */
  listDisks(): Promise<InventoryDisk[]>;
  openTarget(disk: InventoryDisk): Promise<BlockTarget>;
  source: ChunkSource & { readonly bytesFetched: number };
  onStage(stage: FlashStage): void;
  onProgress(bytesDone: number, bytesTotal: number): void;
  onTarget(disk: InventoryDisk): void;
  log(line: string): void;
  /** Returns when the server lets this attempt make the disk bootable; throws when it does not. */
  commit(): Promise<void>;
  /** Makes the kernel see the new partitions. The target is closed by then. */
  rereadTable(path: string): Promise<void>;
  nowMs(): number;
  peakRssBytes(): number;
}

/** Refuses what this agent cannot do, before a byte is fetched or written. */
function checkOrder(order: FlashStart): void {
  if (order.image.format !== 'img') {
    throw new BtyError('INVALID_REQUEST', `this agent cannot flash images of format ${order.image.format} yet`);
  }
  if (order.image.content_size_bytes !== order.image.size_bytes) {
    throw new BtyError('IMAGE_INVALID', 'a raw image cannot have another size than its content');
  }
  if (order.provisioning_mode !== 'none' && order.provisioning_mode !== 'cijoe-online') {
    throw new BtyError('MODE_UNSUPPORTED', `this agent cannot carry out provisioning mode ${order.provisioning_mode}`);
  }
}

function pickDisk(disks: InventoryDisk[], order: FlashStart, head: Buffer): InventoryDisk {
  const reading = readPrimaryGpt(head);
  const sectorBytes = reading.kind === 'valid' ? reading.gpt.sectorBytes : undefined;
  const neededBytes = order.image.content_size_bytes;
  const wish = { hint: order.target_hint, neededBytes, sectorBytes, lastTarget: order.last_target };
  const choice = chooseTarget(disks, wish);
  if ('ok' in choice) return choice.ok;
  throw new BtyError(choice.refused, choice.message, { details: { disks: choice.disks } });
}

/** Says of a failure after the first write that the disk is neither old nor new. */
function partlyWritten(thrown: unknown, path: string): BtyError {
  const error = toBtyError(thrown);
  return new BtyError(error.code, `${error.message}. Partial write: ${path} does not boot`, {
    details: { ...error.details, partial_write: true },
    cause: error,
  });
}

/** Counts of one flash, in bytes. */
interface Tally {
  written: number;
  verified: number;
}

/** From the claimed disk to the written table. Throws before the commit leave the disk without a first MiB. */
async function flashTarget(
  order: FlashStart,
  target: BlockTarget,
  head: Buffer,
  ports: FlashPorts,
  signal: AbortSignal,
): Promise<{ tally: Tally; plan: ExpectedDisk }> {
  const imageBytes = order.image.content_size_bytes;
  const body = { startBytes: head.length, endBytes: imageBytes };
  const plan = expectedDisk(head, imageBytes, target.sizeBytes);
  if (plan.note !== undefined) ports.log(`the image's GPT is left as it is: ${plan.note}`);
  const tally: Tally = { written: 0, verified: 0 };

  signal.throwIfAborted();
  await blankEnds(target, head.length);

  ports.onStage('writing');
  const digest = new ContentDigest();
  digest.add(head);
  await writeImage(ports.source, target, body, digest, (done) => ports.onProgress(done, imageBytes), signal);
  const blake3 = digest.hex();
  if (blake3 !== order.image.content_blake3) {
    const details = { expected: order.image.content_blake3, actual: blake3 };
    throw new BtyError('DIGEST_MISMATCH', 'the bytes that came from the server are not those of the image', {
      details,
    });
  }
  tally.written += imageBytes - head.length;

  ports.onStage('flushing');
  await target.flush();

  if (order.verify !== 'off') {
    ports.onStage('verifying');
    const written = { head, marks: digest.marks, blake3 };
    await readBack(target, body, written, (done) => ports.onProgress(done, imageBytes), signal);
    tally.verified += imageBytes - head.length;
  }
  tally.written += await writeDiskEnd(target, plan, head.length);
  await target.flush();
  if (order.verify !== 'off') tally.verified += await verifyDiskEnd(target, plan, head.length);

  ports.onStage('committing');
  await ports.commit();
  signal.throwIfAborted();
  tally.verified += await writeHead(target, head, plan, order.verify !== 'off');
  tally.written += head.length;
  return { tally, plan };
}

/** A done flash: what to report, and the partition that UEFI firmware is to boot. */
export interface FlashOutcome {
  result: FlashResult;
  bootPartition: EfiSystemPartition | undefined;
}

/**
 * Makes the target of a flash job equal to its image and proves it: choose, fetch the head, claim, blank both ends,
 * write, flush, read back, move the backup GPT, wait for the grant, write the first MiB. Throws a BtyError, or the
 * reason of the signal; until the grant the disk then has no first MiB, and before the claim it is untouched.
 */
export async function flash(order: FlashStart, ports: FlashPorts, signal: AbortSignal): Promise<FlashOutcome> {
  const startMs = ports.nowMs();
  ports.onStage('preparing');
  checkOrder(order);
  const head = await fetchHead(ports.source, Math.min(MARGIN_BYTES, order.image.content_size_bytes), signal);
  const disk = pickDisk(await ports.listDisks(), order, head);
  ports.onTarget(disk);
  const target = await ports.openTarget(disk);
  let outcome: Awaited<ReturnType<typeof flashTarget>>;
  try {
    outcome = await flashTarget(order, target, head, ports, signal);
  } catch (thrown) {
    throw partlyWritten(signal.aborted ? signal.reason : thrown, disk.path);
  } finally {
    await target.close();
  }
  await ports.rereadTable(disk.path);
  const reading = readPrimaryGpt(head);
  return {
    bootPartition: reading.kind === 'valid' ? efiSystemPartition(reading.gpt) : undefined,
    result: {
      target: {
        path: disk.path,
        size_bytes: disk.size_bytes,
        ...(disk.serial === undefined ? {} : { serial: disk.serial }),
        ...(disk.wwn === undefined ? {} : { wwn: disk.wwn }),
        ...(disk.model === undefined ? {} : { model: disk.model }),
      },
      bytes_fetched: ports.source.bytesFetched,
      bytes_written: outcome.tally.written,
      bytes_verified: outcome.tally.verified,
      verify: order.verify,
      duration_ms: Math.round(ports.nowMs() - startMs),
      gpt_relocated: outcome.plan.gpt === 'relocated',
      peak_rss_bytes: ports.peakRssBytes(),
    },
  };
}
