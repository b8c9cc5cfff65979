import { type EfiSystemPartition, efiSystemPartition, readPrimaryGpt } from '@bty/image-format';
import { chooseTarget } from '@bty/target-choice';
import {
  BtyError,
  type FlashResult,
  type FlashStage,
  type FlashStart,
  type FlashStrategy,
  type InventoryDisk,
} from '@bty/wire-types';
import type { Crew, CrewPorts } from './crew/crew.js';
import type { BlockTarget } from './engine/block-target.js';
import { type EngineReport, StageClock } from './engine/engine.js';
import { flashAccount } from './engine/flash-account.js';
import { flashPacked } from './engine/flash-packed.js';
import type { FrameSource } from './engine/frame-source.js';
import { checkMap } from './ordered-image.js';
import { diskProvisioning, type Provisioner } from './provision/provisioning.js';
import type { FetchedMap } from './source/fetch-map.js';
import { targetView } from './target/target-view.js';

/** What a flash needs of its surroundings. */
export interface FlashPorts {
  /** The machine's disks as they are now. */
  listDisks(): Promise<InventoryDisk[]>;
  openTarget(disk: InventoryDisk): Promise<BlockTarget>;
  fetchMap(signal: AbortSignal): Promise<FetchedMap>;
  /** Opens the pack that the map names. */
  openPack(map: FetchedMap['map']): FrameSource;
  openCrew(target: BlockTarget, map: FetchedMap, ports: Pick<CrewPorts, 'mayWrite' | 'onRetry'>): Crew;
  onStage(stage: FlashStage): void;
  onProgress(bytesDone: number, bytesTotal: number): void;
  onTarget(disk: InventoryDisk): void;
  log(line: string): void;
  /** Returns when the server lets this attempt make the disk bootable; throws when it does not. */
  commit(): Promise<void>;
  /** Gets ready what configures the system on the disk; undefined when nothing does. */
  prepareProvisioning(order: FlashStart): Promise<Provisioner | undefined>;
  /** Makes the kernel see the new partitions. The target is closed by then. */
  rereadTable(path: string): Promise<void>;
  nowMs(): number;
  peakRssBytes(): number;
  /** Takes the place of the measured choice. */
  strategy?: FlashStrategy;
}

/** Refuses what this agent cannot do, before a byte is fetched or written. */
function checkOrder(order: FlashStart): void {
  if (order.provisioning_mode === 'cijoe' && order.workflow === undefined) {
    throw new BtyError('INVALID_REQUEST', 'the order says cijoe and carries no workflow');
  }
  if (order.provisioning_mode === 'cloud-init' && order.seed === undefined) {
    throw new BtyError('INVALID_REQUEST', 'the order says cloud-init and carries no seed');
  }
}

function pickDisk(disks: InventoryDisk[], order: FlashStart, sectorBytes: number | undefined): InventoryDisk {
  const neededBytes = order.image.content_size_bytes;
  const wish = { hint: order.target_hint, neededBytes, sectorBytes, lastTarget: order.last_target };
  const choice = chooseTarget(disks, wish);
  if ('ok' in choice) return choice.ok;
  throw new BtyError(choice.refused, choice.message, { details: { disks: choice.disks } });
}

/** A done flash: what to report, and the partition that UEFI firmware is to boot. */
export interface FlashOutcome {
  result: FlashResult;
  bootPartition: EfiSystemPartition | undefined;
}

function resultOf(report: EngineReport, disk: InventoryDisk, durationMs: number, peakRssBytes: number): FlashResult {
  return {
    target: targetView(disk),
    ...flashAccount(report, durationMs, peakRssBytes),
  };
}

/**
 * Makes the target of a flash job equal to its image and proves it: fetch the map, choose and claim the disk, run the
 * engine, make the kernel see the new table. Throws a BtyError, or the reason of the signal; until the server's grant the
 * disk then has no first MiB, and before the first byte that differs it is untouched.
 */
export async function flash(order: FlashStart, ports: FlashPorts, signal: AbortSignal): Promise<FlashOutcome> {
  const startMs = ports.nowMs();
  const stages = new StageClock(ports);
  checkOrder(order);
  const provisioner = await ports.prepareProvisioning(order);
  const fetched = await ports.fetchMap(signal);
  checkMap(order.image, fetched);
  const { map } = fetched;
  const disk = pickDisk(await ports.listDisks(), order, map.sectorBytes);
  ports.onTarget(disk);
  const target = await ports.openTarget(disk);
  let report: EngineReport;
  try {
    const frames = ports.openPack(map);
    const openCrew: Parameters<typeof flashPacked>[0]['openCrew'] = (crewPorts) =>
      ports.openCrew(target, fetched, crewPorts);
    const { verify } = order;
    const provisioning = provisioner && diskProvisioning(disk, target, provisioner);
    const packed = { target, table: map, frames, openCrew, stages, verify, strategy: ports.strategy, provisioning };
    report = await flashPacked(packed, ports, signal);
  } finally {
    await target.close();
  }
  await ports.rereadTable(disk.path);
  const reading = readPrimaryGpt(report.head);
  report.fetchedBytes += fetched.bytes.length;
  return {
    bootPartition: reading.kind === 'valid' ? efiSystemPartition(reading.gpt) : undefined,
    result: resultOf(report, disk, ports.nowMs() - startMs, ports.peakRssBytes()),
  };
}
