import type { VerifyMode } from '@bty/wire-types';
import { type Crew, type CrewPorts, handOut } from '../crew/crew.js';
import { bottleneckOf } from './bottleneck.js';
import { cutRuns, runRange } from './chunk-table.js';
import type { EnginePorts, EngineReport, Provisioning, StageClock } from './engine.js';
import { finishFlash, segmentChunks, type WrittenBody } from './finish-flash.js';
import { FirstWrite } from './first-write.js';
import { FixedParts } from './fixed-parts.js';
import { type PackedFlash, type Prepared, preparePacked } from './prepare-packed.js';
import { addDone, nothingDone } from './segment.js';

/** A flash of an image that has a map. */
export interface PackedOrder extends PackedFlash {
  verify: VerifyMode;
  /** Bytes that are handed out at once. */
  segmentBytes?: number | undefined;
  /** Has been in the first stage since the order came. */
  stages: StageClock;
  openCrew(ports: Pick<CrewPorts, 'mayWrite' | 'onRetry'>): Crew;
  provisioning?: Provisioning | undefined;
}

/** Compares and restores all chunks of the body. `mayWrite` is called before the first write. */
async function restoreBody(
  written: WrittenBody,
  prepared: Prepared,
  ports: EnginePorts,
  signal: AbortSignal,
): Promise<void> {
  const { table, crew, totals, restored, body, segmentBytes, verify } = written;
  const order = { kind: prepared.strategy, checked: verify === 'off' };
  const tasks = [...cutRuns([body], segmentChunks(table, segmentBytes))].map((run) => ({ ...order, ...run }));
  let bytesDone = 0;
  await handOut(
    crew(),
    tasks,
    (done, task) => {
      restored.push(...done.runs);
      addDone(totals, done);
      bytesDone += runRange(table, task).lengthBytes;
      ports.onProgress(bytesDone, table.contentBytes);
    },
    signal,
  );
}

function report(written: WrittenBody, prepared: Prepared, verifiedBytes: number, workMs: number): EngineReport {
  const { totals, verify, stages, crew } = written;
  const { plan, head, strategy, strategyReason } = prepared;
  return {
    fetchedBytes: totals.fetchedBytes,
    writtenBytes: totals.writtenBytes,
    skippedBytes: totals.skippedBytes,
    zeroedBytes: totals.zeroedBytes,
    verifiedBytes,
    verify,
    strategy,
    strategyReason,
    bottleneck: bottleneckOf(totals, workMs, crew().threads),
    stageMs: stages.stop(),
    plan,
    head,
  };
}

/**
 * Makes the disk equal to an image that has a map: a chunk that is right is skipped, a zero one is zeroed, any other is
 * fetched, checked and written. First flash, re-flash and resume are this one loop. Until all else is right and proved,
 * and the grant is there, the disk has no first MiB; when nothing differs, nothing is written. Throws a BtyError, or the
 * signal's reason as one; `partial_write` in its details says that the disk was touched.
 */
export async function flashPacked(order: PackedOrder, ports: EnginePorts, signal: AbortSignal): Promise<EngineReport> {
  const { target, table, verify, stages, segmentBytes, provisioning } = order;
  const firstWrite = new FirstWrite(stages, signal);
  // First of all: its threads start while the image and the disk are looked at.
  const crew = order.openCrew({ mayWrite: firstWrite.mayWrite, onRetry: ports.log });
  try {
    const prepared = await preparePacked(order, ports.log, signal);
    const { head } = prepared;
    provisioning?.check(head);
    const parts = await FixedParts.inspect(target, prepared.zones, prepared.pieces);
    firstWrite.parts = parts;
    const written: WrittenBody = {
      target,
      table,
      crew: () => crew,
      parts,
      verify,
      restored: [],
      canRestoreAgain: true,
      body: { firstChunk: prepared.body.first, chunkCount: prepared.body.end - prepared.body.first },
      segmentBytes,
      totals: { ...nothingDone(), fetchedBytes: prepared.fetchedBytes },
      stages,
      firstWrite,
      provision: provisioning && (() => provisioning.write(head)),
    };
    if (prepared.bodyDiffers || !parts.isRight('body')) await firstWrite.mayWrite();
    else stages.enter('comparing');
    const startMs = ports.nowMs();
    if (written.body.chunkCount > 0) await restoreBody(written, prepared, ports, signal);
    const verified = await finishFlash(written, ports, signal);
    return report(written, prepared, verified, ports.nowMs() - startMs);
  } catch (thrown) {
    throw firstWrite.failure(thrown, target.path);
  } finally {
    await crew.close();
    order.frames.close();
  }
}
