import { chooseTarget, type TargetChoice } from '@bty/target-choice';
import {
  BtyError,
  CHECK_LIMITS,
  type CheckResult,
  type CheckStart,
  type FlashStage,
  type InventoryDisk,
} from '@bty/wire-types';
import { checkFindings } from './check-findings.js';
import type { Crew } from './crew/crew.js';
import type { BlockTarget } from './engine/block-target.js';
import { checkPacked } from './engine/check-packed.js';
import type { FrameSource } from './engine/frame-source.js';
import { checkMap } from './ordered-image.js';
import type { FetchedMap } from './source/fetch-map.js';
import { targetView } from './target/target-view.js';

/** What a check needs of its surroundings. */
export interface CheckPorts {
  /** The machine's disks as they are now. */
  listDisks(): Promise<InventoryDisk[]>;
  openForReading(disk: InventoryDisk): Promise<BlockTarget>;
  fetchMap(signal: AbortSignal): Promise<FetchedMap>;
  /** Opens the pack that the map names. */
  openPack(map: FetchedMap['map']): FrameSource;
  /** Opens those who read and compare. */
  openCrew(target: BlockTarget, map: FetchedMap): Crew;
  onStage(stage: FlashStage): void;
  onProgress(bytesDone: number, bytesTotal: number): void;
  onTarget(disk: InventoryDisk): void;
  log(line: string): void;
  nowMs(): number;
}

/**
 * The disk that a flash would take. Where that is none, the one that it would take if it only wanted to read: that a disk
 * is read-only, in use, or may be a part of other storage, does not speak against looking at it.
 */
function pickDisk(disks: InventoryDisk[], order: CheckStart, sectorBytes: number | undefined): InventoryDisk {
  const neededBytes = order.image.content_size_bytes;
  const wish = { hint: order.target_hint, neededBytes, sectorBytes, lastTarget: order.last_target };
  let choice: TargetChoice = chooseTarget(disks, wish);
  if (!('ok' in choice)) {
    const readable = disks.map((disk) => ({ ...disk, read_only: false, in_use: [], member_of: [] }));
    choice = chooseTarget(readable, wish);
  }
  const chosen = 'ok' in choice ? choice.ok.path : undefined;
  const disk = disks.find(({ path }) => path === chosen);
  if (disk !== undefined) return disk;
  const { refused, message } = choice as Extract<TargetChoice, { refused: unknown }>;
  throw new BtyError(refused, message, { details: { disks: choice.disks } });
}

/**
 * Says how the target of a check differs from its image. The disk is opened read-only and nothing is written. Throws a
 * BtyError, or the reason of the signal.
 */
export async function checkDisk(order: CheckStart, ports: CheckPorts, signal: AbortSignal): Promise<CheckResult> {
  const startMs = ports.nowMs();
  ports.onStage('preparing');
  const fetched = await ports.fetchMap(signal);
  checkMap(order.image, fetched);
  const { map } = fetched;
  const disk = pickDisk(await ports.listDisks(), order, map.sectorBytes);
  ports.onTarget(disk);
  const access = await ports.openForReading(disk);
  try {
    ports.onStage('comparing');
    const packed = { access, table: map, frames: ports.openPack(map), openCrew: () => ports.openCrew(access, fetched) };
    const check = await checkPacked(packed, ports, signal);
    const durationMs = Math.round(ports.nowMs() - startMs);
    return { target: targetView(disk), ...checkFindings(check, CHECK_LIMITS.ranges), duration_ms: durationMs };
  } finally {
    await access.close();
  }
}
