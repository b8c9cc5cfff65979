import type { VerifyMode } from '@bty/wire-types';
import { type Crew, handOut } from '../crew/crew.js';
import type { BlockTarget } from './block-target.js';
import { type ChunkRun, type ChunkTable, cutRuns, runRange } from './chunk-table.js';
import type { EnginePorts, StageClock } from './engine.js';
import { verifyMismatch } from './errors.js';
import type { FirstWrite } from './first-write.js';
import type { FixedParts } from './fixed-parts.js';
import { withNeighbours } from './read-back-runs.js';
import { addDone, type SegmentDone, type SegmentTask } from './segment.js';

// Large enough that handing out costs little, small enough that progress shows on a slow line, and that all threads end at
// about the same time.
const SEGMENT_BYTES = 8 * 1024 * 1024;

/** Chunks that are handed out at once. */
export function segmentChunks({ chunkBytes }: ChunkTable, segmentBytes = SEGMENT_BYTES): number {
  return Math.max(1, Math.floor(segmentBytes / chunkBytes));
}

/** A flash whose body is written. */
export interface WrittenBody {
  target: BlockTarget;
  table: ChunkTable;
  /** Opened when there is something to read back. */
  crew: () => Crew;
  parts: FixedParts;
  verify: VerifyMode;
  /** Chunks that were restored. */
  restored: ChunkRun[];
  body: ChunkRun;
  /** Chunks were written unchecked, and can be had again. */
  canRestoreAgain: boolean;
  segmentBytes?: number | undefined;
  totals: SegmentDone;
  stages: StageClock;
  firstWrite: FirstWrite;
  /** Changes the file systems on the disk; the head is blank meanwhile. */
  provision?: (() => Promise<void>) | undefined;
}

/** Carries out tasks of one kind over runs, and books what they took; gives what was found or done, but for that. */
async function runOver(
  { table, crew, totals, segmentBytes }: WrittenBody,
  task: Pick<SegmentTask, 'kind' | 'checked'>,
  runs: readonly ChunkRun[],
  onBytes: (bytesDone: number) => void,
  signal: AbortSignal,
): Promise<{ different: ChunkRun[]; rightBytes: number }> {
  const tasks = [...cutRuns(runs, segmentChunks(table, segmentBytes))].map((run) => ({ ...task, ...run }));
  const different: ChunkRun[] = [];
  let rightBytes = 0;
  const onDone = (done: SegmentDone): void => {
    different.push(...done.runs);
    rightBytes += done.skippedBytes;
    addDone(totals, { ...done, skippedBytes: 0, writtenBytes: 0, zeroedBytes: 0 });
    onBytes(rightBytes);
  };
  await handOut(crew(), tasks, onDone, signal);
  return { different, rightBytes };
}

/**
 * Reads chunks back on all threads; gives the count of bytes found right. What is wrong may have come wrong, for it is
 * written unchecked: it is restored once more with its digest checked before. Throws `VERIFY_MISMATCH` when it is wrong
 * again, or when the source cannot be asked twice.
 */
async function readBackChunks(
  written: WrittenBody,
  runs: readonly ChunkRun[],
  ports: EnginePorts,
  signal: AbortSignal,
): Promise<number> {
  const { target, table } = written;
  const total = runs.reduce((sum, run) => sum + runRange(table, run).lengthBytes, 0);
  if (total === 0) return 0;
  const tell = (bytesDone: number): void => ports.onProgress(bytesDone, total);
  const first = await runOver(written, { kind: 'look' }, runs, tell, signal);
  const [wrong] = first.different;
  if (wrong === undefined) return total;
  const mismatch = verifyMismatch(target.path, runRange(table, wrong));
  if (!written.canRestoreAgain) throw mismatch;
  ports.log(`${mismatch.message}; it is fetched and written again`);
  await runOver(written, { kind: 'compare', checked: true }, first.different, () => undefined, signal);
  await target.flush();
  const again = await runOver(written, { kind: 'look' }, first.different, () => undefined, signal);
  const [stillWrong] = again.different;
  if (stillWrong !== undefined) throw verifyMismatch(target.path, runRange(table, stillWrong));
  tell(total);
  return total;
}

/** What is read of the body after the flush. */
function runsToReadBack({ target, verify, restored, body }: WrittenBody): ChunkRun[] {
  if (verify === 'off' || body.chunkCount === 0) return [];
  // What was read through a cache is not proved to be on the medium.
  if (verify === 'full' && !target.direct) return [body];
  return verify === 'full' ? withNeighbours(restored, body) : restored.toSorted((a, b) => a.firstChunk - b.firstChunk);
}

const bodyBytes = ({ table, body }: WrittenBody): number =>
  body.chunkCount === 0 ? 0 : runRange(table, body).lengthBytes;

async function commitHead({ target, parts, verify, totals }: WrittenBody): Promise<number> {
  await parts.write('head', totals);
  await target.flush();
  return verify === 'off' ? 0 : parts.readBack('head', verify === 'full');
}

/** A disk that is not whole must not boot, be it by a table half written or by the spare one at its end. */
async function blankOnFailure<T>(parts: FixedParts, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // When the disk refuses this too, the first failure is the one to tell.
    await parts.blank({ tail: true }).catch(() => undefined);
    throw error;
  }
}

/** The tail, provisioning, the grant, the head. Gives the count of bytes found right. */
async function makeBootable(written: WrittenBody, ports: EnginePorts, signal: AbortSignal): Promise<number> {
  const { target, parts, verify, totals, stages, provision } = written;
  if (await parts.write('tail', totals)) await target.flush();
  const verified = verify === 'off' ? 0 : await parts.readBack('tail', verify === 'full');
  if (provision !== undefined) {
    stages.enter('provisioning');
    await provision();
    await target.flush();
    signal.throwIfAborted();
  }
  stages.enter('committing');
  await ports.commit();
  signal.throwIfAborted();
  return verified + (await commitHead(written));
}

/** Flush, read back past the cache, then what makes the disk bootable. */
async function finishTouched(written: WrittenBody, ports: EnginePorts, signal: AbortSignal): Promise<number> {
  const { target, parts, verify, stages } = written;
  const full = verify === 'full';
  stages.enter('flushing');
  await target.flush();
  let verified = 0;
  if (verify !== 'off') {
    stages.enter('verifying');
    const readBack = await readBackChunks(written, runsToReadBack(written), ports, signal);
    // Of the rest, every chunk was read past the cache in this run, found right, and not written since.
    verified += full ? bodyBytes(written) : readBack;
    verified += await parts.readBack('body', full);
  }
  signal.throwIfAborted();
  return verified + (await blankOnFailure(parts, () => makeBootable(written, ports, signal)));
}

/** Everything was right: nothing is written. */
async function finishUntouched(written: WrittenBody, ports: EnginePorts, signal: AbortSignal): Promise<number> {
  const { target, parts, verify, totals, stages } = written;
  let verified = 0;
  for (const zone of ['tail', 'head'] as const) await parts.write(zone, totals);
  if (verify === 'full' && target.direct) {
    // Every chunk has just been read from the medium and found right, and nothing was written since.
    verified = totals.skippedBytes;
  } else if (verify === 'full') {
    stages.enter('verifying');
    await target.flush();
    verified += await readBackChunks(written, runsToReadBack(written), ports, signal);
    for (const zone of ['head', 'body', 'tail'] as const) verified += await parts.readBack(zone, true);
  }
  stages.enter('committing');
  await ports.commit();
  signal.throwIfAborted();
  return verified;
}

/**
 * From the body, whose chunks are right or written, to the bootable disk. Gives the count of bytes that were read from the
 * medium and found right.
 */
export async function finishFlash(written: WrittenBody, ports: EnginePorts, signal: AbortSignal): Promise<number> {
  const { parts, firstWrite, totals, provision } = written;
  if (!parts.isRight('body')) await firstWrite.mayWrite();
  await parts.write('body', totals);
  const endsRight = parts.isRight('head') && parts.isRight('tail');
  if (!endsRight || provision !== undefined) await firstWrite.blankHead();
  return (firstWrite.touched ? finishTouched : finishUntouched)(written, ports, signal);
}
