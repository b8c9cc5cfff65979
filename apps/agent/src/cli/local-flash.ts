import type { FlashStage, ProvisioningMode, VerifyMode } from '@bty/wire-types';
import { systemClock } from '../clock/clock.js';
import type { EngineReport } from '../engine/engine.js';
import { flashAccount } from '../engine/flash-account.js';
import { flashOpenImage } from '../flash-image.js';
import { type ImageFacts, imageFacts } from '../images/image-facts.js';
import { peakResidentBytes } from '../peak-memory.js';
import { diskProvisioning } from '../provision/provisioning.js';
import type { ImageAccess } from '../source/image-access.js';
import { type OpenImage, openImage } from '../source/open-image.js';
import { MACHINE_ROOTS } from '../target/machine-roots.js';
import { openTarget } from '../target/open-target.js';
import { rereadTable } from '../target/reread-table.js';
import { type PlannedChanges, plannedChanges } from './flash-plan.js';
import { type LocalProvisioning, seedProvisioning } from './local-provisioning.js';
import { findTarget, type NamedTarget, requireTools } from './named-target.js';
import type { SeedFlags } from './seed-files.js';
import { type WorkflowWish, workflowProvisioning } from './workflow-files.js';

/** What somebody asks to be flashed on this machine. */
export interface FlashWish {
  /** A path or a URL. */
  image: string;
  sha256: string | undefined;
  target: string;
  /** The only disks that are looked at for a hint; empty: all. */
  onlyDisks: readonly string[];
  provision: ProvisioningMode;
  /** The files of the seed, when the provisioning mode is cloud-init. */
  seed: SeedFlags;
  /** The workflow, when it is cijoe. */
  workflow?: WorkflowWish;
}

/** What looking and writing need of their surroundings. */
export interface LocalPorts {
  searchPath: string;
  access: ImageAccess;
  log(line: string): void;
}

/** Everything that is known before the first byte is written. The image is open until it is flashed, or closed. */
export interface LookedAt {
  image: OpenImage;
  facts: ImageFacts;
  target: NamedTarget;
  changes: PlannedChanges;
  /** What configures the system on the disk; undefined when nothing does. */
  provisioning: LocalProvisioning | undefined;
  close(): Promise<void>;
}

/** Whom a flash tells how far it is. */
export interface FlashTold {
  stage(stage: FlashStage): void;
  progress(bytesDone: number, bytesTotal: number): void;
  synced(): void;
  partprobed(note: string): void;
}

async function provisioningOf(
  { seed, workflow }: FlashWish,
  ports: LocalPorts,
  stop: AbortSignal,
): Promise<LocalProvisioning | undefined> {
  if (workflow?.flags.cijoeWorkflow !== undefined) return workflowProvisioning(workflow, ports, stop);
  return seed.userData === undefined ? undefined : seedProvisioning(seed.userData, seed, ports, stop);
}

/** Reads what is to be provisioned, opens the image and meanwhile looks at the disk. Nothing is written. */
export async function lookBeforeFlash(wish: FlashWish, ports: LocalPorts, stop: AbortSignal): Promise<LookedAt> {
  await requireTools(ports.searchPath);
  const provisioning = await provisioningOf(wish, ports, stop);
  const opening = openImage(wish.image, wish.sha256, { access: ports.access, onRetry: ports.log }, stop);
  const learning = opening.then((image) => imageFacts(image, wish.image, ports.log, stop));
  const needs = learning.then((facts) => ({
    neededBytes: facts.content_size_bytes ?? 0,
    sectorBytes: facts.sector_bytes,
  }));
  const finding = findTarget(MACHINE_ROOTS, wish.target, needs, wish.onlyDisks);
  finding.catch(() => undefined); // thrown below, after what is wrong with the image
  const image = await opening;
  const close = async (): Promise<void> => (image.kind === 'content' ? image.close() : undefined);
  try {
    const facts = await learning;
    const target = await finding;
    return { image, facts, target, changes: plannedChanges(facts, target, wish.provision), provisioning, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Writes what was looked at. The disk must still be the one that was looked at, else `TARGET_CHANGED`. Throws as the engine
 * does; closes the image.
 */
export async function flashLookedAt(
  { image, target: { disk }, provisioning: asked }: LookedAt,
  verify: VerifyMode,
  told: FlashTold,
  ports: LocalPorts,
  stop: AbortSignal,
): Promise<{ report: EngineReport; account: ReturnType<typeof flashAccount> }> {
  const startMs = systemClock.nowMs();
  const target = await openTarget(MACHINE_ROOTS, disk);
  const enginePorts = {
    onStage: told.stage,
    onProgress: told.progress,
    log: ports.log,
    commit: async () => undefined,
    nowMs: () => systemClock.nowMs(),
  };
  const provisioning = asked && diskProvisioning(disk, target, asked(verify));
  const flash = { image, target, verify, provisioning };
  const report = await flashOpenImage(flash, enginePorts, stop).finally(() => target.close());
  told.synced();
  told.partprobed(await rereadTable(disk.path));
  return { report, account: flashAccount(report, systemClock.nowMs() - startMs, peakResidentBytes()) };
}
