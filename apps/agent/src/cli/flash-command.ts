import { tmpdir } from 'node:os';
import {
  BtyError,
  type FlashStage,
  type InventoryDisk,
  type NoCloudSeed,
  toBtyError,
  VERIFY_MODES,
  type VerifyMode,
} from '@bty/wire-types';
import { systemClock } from '../clock/clock.js';
import { flashAccount } from '../engine/flash-account.js';
import { flashOpenImage } from '../flash-image.js';
import { peakResidentBytes } from '../peak-memory.js';
import { provision } from '../provision/provision.js';
import { seedProvisioning } from '../provision/provisioning.js';
import { readSeedFolder } from '../provision/seed-folder.js';
import { runCommand } from '../run-command.js';
import { type OpenImage, openImage } from '../source/open-image.js';
import { MACHINE_ROOTS } from '../target/machine-roots.js';
import { openTarget } from '../target/open-target.js';
import { rereadTable } from '../target/reread-table.js';
import { envelope, failureView } from './envelope.js';
import { lookAtTarget, refuseUnfit, requireTools } from './named-target.js';
import { ndjsonView, type ProgressView, silentView, textView } from './progress-view.js';

/** Flags of `bty flash`, as given. */
export interface FlashFlags {
  image: string;
  target: string;
  sha256?: string;
  verify: string;
  progress: string;
  provision: string;
  seed?: string;
  yes?: true;
  dryRun?: true;
  json?: true;
}

/** Where a command writes, and what ends it. */
export interface CommandPorts {
  stdout(text: string): void;
  stderr(text: string): void;
  /** Whether standard error is a terminal. */
  terminal: boolean;
  searchPath: string;
  stop: AbortSignal;
}

function usage(message: string): BtyError {
  return new BtyError('INVALID_REQUEST', message);
}

function parseVerify(text: string): VerifyMode {
  const verify = VERIFY_MODES.find((known) => known === text);
  if (verify === undefined) throw usage(`--verify must be ${VERIFY_MODES.join(', ')}, not ${text}`);
  return verify;
}

function checkFlags({ yes, dryRun, provision, seed, sha256 }: FlashFlags): void {
  if (yes !== true && dryRun !== true) throw usage('give --yes to write, or --dry-run to see what would be written');
  if (provision !== 'none' && provision !== 'cloud-init') {
    throw usage(`--provision ${provision} is not known here, only none and cloud-init`);
  }
  if ((provision === 'cloud-init') !== (seed !== undefined)) {
    throw usage('--provision cloud-init and --seed belong together');
  }
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256)) throw usage('--sha256 must be 64 hexadecimal digits');
}

function viewFor(flags: FlashFlags, ports: CommandPorts): ProgressView {
  if (flags.progress === 'none') return silentView;
  if (flags.progress === 'text') return textView(ports.stderr, ports.terminal, systemClock);
  if (flags.progress !== 'ndjson') throw usage(`--progress must be text, ndjson or none, not ${flags.progress}`);
  // Standard output is for the one document of --json when that is asked for.
  return ndjsonView(flags.json === true ? ports.stderr : ports.stdout, systemClock);
}

const neededBytes = (image: OpenImage): number | undefined =>
  image.kind === 'packed' ? image.fetched.map.contentBytes : image.contentBytes;

function imageView(image: OpenImage, named: string): Record<string, unknown> {
  const contentBytes = neededBytes(image);
  return {
    source: named,
    name: image.name,
    size_bytes: image.sizeBytes,
    ...(contentBytes === undefined ? {} : { content_size_bytes: contentBytes }),
  };
}

interface Looked {
  image: OpenImage;
  disk: InventoryDisk;
  seed: NoCloudSeed | undefined;
}

/** Opens the image and looks at the disk, and refuses what cannot be done; nothing is written. */
async function look(flags: FlashFlags, ports: CommandPorts): Promise<Looked> {
  await requireTools(ports.searchPath, flags.seed === undefined ? [] : ['mount', 'umount', 'losetup']);
  const seed = flags.seed === undefined ? undefined : await readSeedFolder(flags.seed);
  const onRetry = (reason: string): void => ports.stderr(`${reason}\n`);
  const image = await openImage(flags.image, flags.sha256?.toLowerCase(), onRetry, ports.stop);
  try {
    const disk = await lookAtTarget(MACHINE_ROOTS, flags.target);
    const sectorBytes = image.kind === 'packed' ? image.fetched.map.sectorBytes : undefined;
    refuseUnfit(disk, neededBytes(image) ?? 0, sectorBytes);
    return { image, disk, seed };
  } catch (error) {
    if (image.kind === 'content') await image.close();
    throw error;
  }
}

async function write({ image, disk, seed }: Looked, flags: FlashFlags, ports: CommandPorts, view: ProgressView) {
  const startMs = systemClock.nowMs();
  const target = await openTarget(MACHINE_ROOTS, disk);
  const enginePorts = {
    onStage: (stage: FlashStage) => view.stage(stage),
    onProgress: (done: number, total: number) => view.progress(done, total),
    log: (line: string) => ports.stderr(`${line}\n`),
    commit: async () => undefined,
    nowMs: () => systemClock.nowMs(),
  };
  const verify = parseVerify(flags.verify);
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

function describeDisk(disk: InventoryDisk): string {
  return [disk.path, disk.model, disk.serial, `${disk.size_bytes} bytes`]
    .filter((part) => part !== undefined)
    .join(' ');
}

/** Carries out `bty flash`. Throws a BtyError, of which it has told already what its flags ask for. */
export async function flashCommand(flags: FlashFlags, ports: CommandPorts): Promise<void> {
  checkFlags(flags);
  parseVerify(flags.verify);
  const view = viewFor(flags, ports);
  try {
    const looked = await look(flags, ports);
    const { image, disk } = looked;
    const about = { dry_run: flags.dryRun === true, image: imageView(image, flags.image), target: disk };
    if (flags.dryRun === true) {
      if (image.kind === 'content') await image.close();
      ports.stderr(`would write ${image.name} to ${describeDisk(disk)}\n`);
      if (flags.json === true) ports.stdout(`${envelope('flash', about)}\n`);
      return;
    }
    view.started(neededBytes(image));
    const result = await write(looked, flags, ports, view);
    view.done(result);
    if (flags.json === true) ports.stdout(`${envelope('flash', { ...about, result })}\n`);
  } catch (thrown) {
    const error = toBtyError(thrown);
    view.failed(failureView(error));
    if (flags.json === true) ports.stdout(`${envelope('flash', { error: failureView(error) })}\n`);
    throw error;
  }
}
