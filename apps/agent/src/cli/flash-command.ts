import { type ProvisioningMode, toBtyError, type VerifyMode } from '@bty/wire-types';
import { systemClock } from '../clock/clock.js';
import { imageRootOf, resolveImage } from '../images/image-root.js';
import { imageAccessFor } from '../remote/access.js';
import { type CommandPorts, disksLookedAt, parseDigest, usage } from './command-ports.js';
import { envelope, failureView, orTellFailure } from './envelope.js';
import { objectionLines, planLines } from './flash-plan.js';
import { flashLookedAt, lookBeforeFlash } from './local-flash.js';
import { refuseUnfit } from './named-target.js';
import { ndjsonView, type ProgressView, silentView, textView } from './progress-view.js';
import type { SeedFlags } from './seed-files.js';
import type { WorkflowFlags } from './workflow-files.js';

/** Flags of `bty flash`, as given. */
export interface FlashFlags extends SeedFlags, WorkflowFlags {
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

function checkFlags({
  yes,
  dryRun,
  provision,
  userData,
  metaData,
  networkConfig,
  vendorData,
  cijoeWorkflow,
  cijoeConfig,
}: FlashFlags): void {
  if (yes !== true && dryRun !== true) throw usage('give --yes to write, or --dry-run to see what would be written');
  const others = [metaData, networkConfig, vendorData];
  if (provision !== 'cloud-init' && [userData, ...others].some((path) => path !== undefined)) {
    throw usage('--user-data, --meta-data, --network-config and --vendor-data belong to --provision cloud-init');
  }
  if (provision === 'cloud-init' && userData === undefined) throw usage('--provision cloud-init needs --user-data');
  if ((provision === 'cijoe') !== (cijoeWorkflow !== undefined)) {
    throw usage('--provision cijoe and --cijoe-workflow belong together');
  }
  if (provision !== 'cijoe' && cijoeConfig !== undefined) throw usage('--cijoe-config belongs to --provision cijoe');
}

function viewFor(flags: FlashFlags, ports: CommandPorts): ProgressView {
  if (flags.progress === 'none') return silentView;
  if (flags.progress === 'text') return textView(ports.stderr, ports.terminal, systemClock);
  // Standard output is for the one document of --json when that is asked for.
  return ndjsonView(flags.json === true ? ports.stderr : ports.stdout, systemClock);
}

/** The dry run and the flash tell the same of image and disk; `found` grows as it becomes known, for failures, too. */
async function carryOut(
  flags: FlashFlags,
  ports: CommandPorts,
  view: ProgressView,
  found: Record<string, unknown>,
): Promise<void> {
  checkFlags(flags);
  const sha256 = parseDigest(flags.sha256);
  const image = await resolveImage(flags.image, imageRootOf(flags.imageRoot, ports.environment));
  const access = await imageAccessFor(image, ports.environment);
  const local = { searchPath: ports.searchPath, access, log: (line: string) => ports.stderr(`${line}\n`) };
  const wish = {
    image,
    sha256,
    target: flags.target,
    onlyDisks: disksLookedAt(ports.environment),
    provision: flags.provision,
    seed: flags,
    workflow: { flags, environment: ports.environment, onOutput: (part: Buffer) => ports.stderr(part.toString()) },
  };
  const looked = await lookBeforeFlash(wish, local, ports.stop);
  const { facts, target, changes } = looked;
  const { disk, content, objections } = target;
  Object.assign(found, { image: facts, target: disk, target_content: content, changes, objections });
  if (flags.dryRun === true || objections.length > 0) await looked.close();
  if (flags.dryRun === true) {
    ports.stderr(`${[...planLines(facts, target, changes), ...objectionLines(target)].join('\n')}\n`);
  }
  refuseUnfit(target);
  if (flags.dryRun === true) return;
  view.started(facts.content_size_bytes);
  const { account } = await flashLookedAt(looked, flags.verify, view, local, ports.stop);
  view.done(account);
  found.result = account;
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
