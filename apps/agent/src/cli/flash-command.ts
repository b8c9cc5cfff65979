import { tmpdir } from 'node:os';
import {
  type FlashStage,
  type InventoryDisk,
  type NoCloudSeed,
  type ProvisioningMode,
  toBtyError,
  type VerifyMode,
} from '@bty/wire-types';
import { systemClock } from '../clock/clock.js';
import { flashAccount } from '../engine/flash-account.js';
import { flashOpenImage } from '../flash-image.js';
import { type ImageFacts, imageFacts } from '../images/image-facts.js';
import { imageRootOf, resolveImage } from '../images/image-root.js';
import { peakResidentBytes } from '../peak-memory.js';
import { provision } from '../provision/provision.js';
import { seedProvisioning } from '../provision/provisioning.js';
import { runCommand } from '../run-command.js';
import { type OpenImage, openImage } from '../source/open-image.js';
import { MACHINE_ROOTS } from '../target/machine-roots.js';
import { openTarget } from '../target/open-target.js';
import { rereadTable } from '../target/reread-table.js';
import { type CommandPorts, disksLookedAt, usage } from './command-ports.js';
import { envelope, failureView, orTellFailure } from './envelope.js';
import { planLines, plannedChanges } from './flash-plan.js';
import { findTarget, type NamedTarget, refuseUnfit, requireTools } from './named-target.js';
import { ndjsonView, type ProgressView, silentView, textView } from './progress-view.js';
import { readSeedFiles, type SeedFlags } from './seed-files.js';

/** Flags of `bty flash`, as given. */
export interface FlashFlags extends SeedFlags {
  image: string;
  imageRoot?: string;
  target: string;
  sha256?: string;
  verify: VerifyMode;
  progress: 'text' | 'ndjson' | 'none';
  provision: ProvisioningMode;
  yes?: true;
  dryRun?: true;
  json?: true;
}

const SEED_TOOLS = ['mount', 'umount', 'losetup'];

function checkFlags({
  yes,
  dryRun,
  provision,
  userData,
  metaData,
  networkConfig,
  vendorData,
  sha256,
}: FlashFlags): void {
  if (yes !== true && dryRun !== true) throw usage('give --yes to write, or --dry-run to see what would be written');
  const others = [metaData, networkConfig, vendorData];
  if (provision !== 'cloud-init' && [userData, ...others].some((path) => path !== undefined)) {
    throw usage('--user-data, --meta-data, --network-config and --vendor-data belong to --provision cloud-init');
  }
  if (provision === 'cloud-init' && userData === undefined) throw usage('--provision cloud-init needs --user-data');
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256)) throw usage('--sha256 must be 64 hexadecimal digits');
}

function viewFor(flags: FlashFlags, ports: CommandPorts): ProgressView {
  if (flags.progress === 'none') return silentView;
  if (flags.progress === 'text') return textView(ports.stderr, ports.terminal, systemClock);
  // Standard output is for the one document of --json when that is asked for.
  return ndjsonView(flags.json === true ? ports.stderr : ports.stdout, systemClock);
}

interface Looked {
  image: OpenImage;
  facts: ImageFacts;
  target: NamedTarget;
  seed: NoCloudSeed | undefined;
}

/** Reads what is to be provisioned, opens the image and looks at the disk. Nothing is written. */
async function look(flags: FlashFlags, ports: CommandPorts): Promise<Looked> {
  const { userData } = flags;
  await requireTools(ports.searchPath, userData === undefined ? [] : SEED_TOOLS);
  const seed = userData === undefined ? undefined : await readSeedFiles(userData, flags);
  const onRetry = (reason: string): void => ports.stderr(`${reason}\n`);
  const source = await resolveImage(flags.image, imageRootOf(flags.imageRoot, ports.environment));
  const image = await openImage(source, flags.sha256?.toLowerCase(), onRetry, ports.stop);
  try {
    const facts = await imageFacts(image, source, onRetry, ports.stop);
    const needs = { neededBytes: facts.content_size_bytes ?? 0, sectorBytes: facts.sector_bytes };
    const only = disksLookedAt(ports.environment);
    return { image, facts, target: await findTarget(MACHINE_ROOTS, flags.target, needs, only), seed };
  } catch (error) {
    await closeImage(image);
    throw error;
  }
}

async function closeImage(image: OpenImage): Promise<void> {
  if (image.kind === 'content') await image.close();
}

interface Writing {
  image: OpenImage;
  disk: InventoryDisk;
  seed: NoCloudSeed | undefined;
}

async function write({ image, disk, seed }: Writing, verify: VerifyMode, ports: CommandPorts, view: ProgressView) {
  const startMs = systemClock.nowMs();
  const target = await openTarget(MACHINE_ROOTS, disk);
  const enginePorts = {
    onStage: (stage: FlashStage) => view.stage(stage),
    onProgress: (done: number, total: number) => view.progress(done, total),
    log: (line: string) => ports.stderr(`${line}\n`),
    commit: async () => undefined,
    nowMs: () => systemClock.nowMs(),
  };
  const surroundings = { run: runCommand, workDir: tmpdir(), log: enginePorts.log };
  const provisioning =
    seed &&
    seedProvisioning({ seed, verify }, disk, target, (order, flashed) =>
      provision(order, flashed, surroundings, ports.stop),
    );
  const report = await flashOpenImage({ image, target, verify, provisioning }, enginePorts, ports.stop).finally(() =>
    target.close(),
  );
  view.synced();
  view.partprobed(await rereadTable(disk.path));
  return flashAccount(report, systemClock.nowMs() - startMs, peakResidentBytes());
}

/** The dry run and the flash tell the same of image and disk; `found` grows as it becomes known, for failures, too. */
async function carryOut(
  flags: FlashFlags,
  ports: CommandPorts,
  view: ProgressView,
  found: Record<string, unknown>,
): Promise<void> {
  checkFlags(flags);
  const { image, facts, target, seed } = await look(flags, ports);
  const { disk, content, objections } = target;
  const changes = plannedChanges(facts, target, flags.provision);
  Object.assign(found, { image: facts, target: disk, target_content: content, changes, objections });
  if (flags.dryRun === true || objections.length > 0) await closeImage(image);
  if (flags.dryRun === true) ports.stderr(`${planLines(facts, target, changes).join('\n')}\n`);
  refuseUnfit(target);
  if (flags.dryRun === true) return;
  view.started(facts.content_size_bytes);
  const result = await write({ image, disk, seed }, flags.verify, ports, view);
  view.done(result);
  found.result = result;
}

/** Carries out `bty flash`. Throws a BtyError, of which it has told already what its flags ask for. */
export async function flashCommand(flags: FlashFlags, ports: CommandPorts): Promise<void> {
  const view = viewFor(flags, ports);
  const found: Record<string, unknown> = { dry_run: flags.dryRun === true };
  const work = (): Promise<void> =>
    carryOut(flags, ports, view, found).catch((thrown: unknown) => {
      view.failed(failureView(toBtyError(thrown)));
      throw thrown;
    });
  await orTellFailure('flash', flags, ports, work, found);
  if (flags.json === true) ports.stdout(`${envelope('flash', found)}\n`);
}
