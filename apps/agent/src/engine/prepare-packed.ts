import { applyPatches, type ExpectedDisk, expectedDisk, MARGIN_BYTES } from '@bty/image-format';
import type { FlashStrategy } from '@bty/wire-types';
import type { BlockTarget, DiskAccess } from './block-target.js';
import { type PackedTable, runRange } from './chunk-table.js';
import { loadChunks } from './content-loader.js';
import {
  bodyChunks,
  type DiskZones,
  diskZones,
  type FixedPiece,
  movedBackupBytes,
  piecesOf,
  tailPieces,
} from './disk-zones.js';
import { type FrameSource, fetchInto } from './frame-source.js';
import { sampleDisk } from './sample.js';
import { chooseStrategy, SURELY_COMPARE } from './strategy.js';

/** An image behind a map, and the disk that is to become it. */
export interface PackedFlash {
  target: BlockTarget;
  table: PackedTable & { readonly pack: { readonly sizeBytes: number } };
  /** For the few chunks that the main thread itself needs. */
  frames: FrameSource;
  /** Takes the place of the measured choice. */
  strategy?: FlashStrategy | undefined;
}

/** What the disk is to hold where its chunks alone do not tell. */
export interface PackedPlan {
  head: Buffer;
  plan: ExpectedDisk;
  zones: DiskZones;
  pieces: FixedPiece[];
  body: { first: number; end: number };
  fetchedBytes: number;
}

/** A plan, and how to go about it. */
export interface Prepared extends PackedPlan {
  strategy: FlashStrategy;
  strategyReason: string;
  /** A sampled chunk of the body is seen to differ. */
  bodyDiffers: boolean;
}

type Log = (line: string) => void;

const PROBE_BYTES = 1024 * 1024;

/** Bytes a second of the line, from one request in the middle of the pack. */
async function probeLink(
  { table, frames }: PackedFlash,
  signal: AbortSignal,
): Promise<{ rate: number; bytes: number }> {
  const bytes = Math.min(PROBE_BYTES, table.pack.sizeBytes);
  const startMs = performance.now();
  const offsetBytes = Math.floor((table.pack.sizeBytes - bytes) / 2);
  await fetchInto(frames, offsetBytes, Buffer.allocUnsafeSlow(bytes), signal);
  return { rate: (bytes * 1000) / Math.max(performance.now() - startMs, 0.001), bytes };
}

function dataBytes(table: PackedTable, { first, end }: Prepared['body']): number {
  let bytes = 0;
  for (const run of table.dataRuns(first, end)) bytes += runRange(table, run).lengthBytes;
  return bytes;
}

async function decide(
  flash: PackedFlash,
  body: Prepared['body'],
  signal: AbortSignal,
): Promise<Pick<Prepared, 'strategy' | 'strategyReason' | 'bodyDiffers' | 'fetchedBytes'>> {
  const { target, table } = flash;
  const sample = await sampleDisk(target, table, body);
  const bodyDiffers = sample.matchingChunks < sample.sampledChunks;
  if (flash.strategy !== undefined) {
    return { strategy: flash.strategy, strategyReason: 'as was asked for', bodyDiffers, fetchedBytes: 0 };
  }
  const open = sample.matchingChunks < SURELY_COMPARE * sample.sampledChunks;
  const link = open ? await probeLink(flash, signal) : undefined;
  const { strategy, reason } = chooseStrategy(
    { ...sample, linkRate: link?.rate },
    {
      bodyBytes: (body.end - body.first) * table.chunkBytes,
      dataBytes: dataBytes(table, body),
      packBytes: table.pack.sizeBytes,
    },
  );
  return { strategy, strategyReason: reason, bodyDiffers, fetchedBytes: link?.bytes ?? 0 };
}

/** Loads the chunks that share the disk's head and tail, and puts together what those are to hold. */
export async function planPacked(
  { target, table, frames }: Pick<PackedFlash, 'table' | 'frames'> & { target: Pick<DiskAccess, 'sizeBytes'> },
  log: Log,
  signal: AbortSignal,
): Promise<PackedPlan> {
  const { contentBytes, chunkBytes, chunkCount } = table;
  const headBytes = Math.min(MARGIN_BYTES, contentBytes);
  const headChunks = Math.ceil(headBytes / chunkBytes);
  const start = await loadChunks(table, { first: 0, end: headChunks }, frames, log, signal);
  const head = Buffer.from(start.bytes.subarray(0, headBytes));
  const plan = expectedDisk(head, contentBytes, target.sizeBytes);
  if (plan.note !== undefined) log(`the image's GPT is left as it is: ${plan.note}`);
  const zones = diskZones(headBytes, target.sizeBytes, movedBackupBytes(plan));
  const body = bodyChunks(zones, table);
  const rest = await loadChunks(table, { first: body.end, end: chunkCount }, frames, log, signal);
  applyPatches(plan.patches, start.bytes, 0);
  const pieces = [...piecesOf(zones, 0, start.bytes), ...tailPieces(zones, plan, rest)];
  return { head, plan, zones, pieces, body, fetchedBytes: start.fetchedBytes + rest.fetchedBytes };
}

/** Plans the flash, takes a sample, and chooses how to go on. */
export async function preparePacked(flash: PackedFlash, log: Log, signal: AbortSignal): Promise<Prepared> {
  const planned = await planPacked(flash, log, signal);
  const decision = await decide(flash, planned.body, signal);
  return { ...planned, ...decision, fetchedBytes: decision.fetchedBytes + planned.fetchedBytes };
}
