import { BtyError, type InventoryDisk } from '@bty/wire-types';
import { lookAtDisks, whatIsOn } from '../cli/list-command.js';
import { flashLookedAt, type LookedAt, lookBeforeFlash } from '../cli/local-flash.js';
import { objectionsTo } from '../cli/named-target.js';
import type { EngineReport } from '../engine/engine.js';
import { listImages } from '../images/image-root.js';
import { humanBytes, humanSeconds } from '../screen/render.js';
import type { ImageAccess } from '../source/image-access.js';
import { identityChange } from '../target/open-target.js';
import { fetchCatalogue, signalDone } from './catalogue.js';
import type { TuiChoice, TuiDisk, TuiImage } from './tui-state.js';
import type { TuiWorld } from './tui-world.js';

/** Where images come from; a server is also told of every flash. */
export type ImageOrigin = { kind: 'root'; folder: string } | { kind: 'server'; url: string; mac: string };

/** What the UI works with on this machine. */
export interface MachineWorld {
  origin: ImageOrigin;
  access: ImageAccess;
  onlyDisks: readonly string[];
  searchPath: string;
  /** What a workflow may be told. */
  environment: Readonly<Record<string, string | undefined>>;
  log(line: string): void;
  /** Boots a disk that was flashed. */
  reboot(disk: InventoryDisk, report: EngineReport): Promise<void>;
}

async function imagesOf({ origin, access }: MachineWorld, signal: AbortSignal): Promise<readonly TuiImage[]> {
  if (origin.kind === 'server') return fetchCatalogue(origin.url, access, signal);
  return (await listImages(origin.folder, signal)).map(({ name, path, size_bytes, content_size_bytes, problem }) => ({
    name,
    source: path,
    sizeBytes: size_bytes,
    contentBytes: content_size_bytes,
    problem,
  }));
}

/** What speaks against a disk that somebody picks with its model and serial before his eyes: as for a named one. */
async function disksOf(onlyDisks: readonly string[]): Promise<readonly TuiDisk[]> {
  const listed = await lookAtDisks(onlyDisks);
  return listed.map(({ disk, content }) => ({
    disk,
    content: whatIsOn(content),
    objections: objectionsTo(disk, { neededBytes: 0, sectorBytes: undefined }).map(({ message }) => message),
  }));
}

/** Tells the server, and says so. That the disk is right does not hang on it. */
async function tellServer(origin: ImageOrigin): Promise<string[]> {
  if (origin.kind !== 'server') return [];
  try {
    await signalDone(origin.url, origin.mac, AbortSignal.timeout(30_000));
    return ['The server was told.'];
  } catch (error) {
    return [`The server could not be told: ${(error as Error).message}`];
  }
}

type Account = Awaited<ReturnType<typeof flashLookedAt>>['account'];

function accountLines(looked: LookedAt, account: Account): string[] {
  const { disk } = looked.target;
  return [
    `${disk.path}  ${disk.model ?? 'no model'}  ${disk.serial ?? 'no serial'}`,
    `now holds ${looked.facts.name}, read back and compared: ${humanBytes(account.bytes_verified)}.`,
    '',
    `written ${humanBytes(account.bytes_written)}, zeroed ${humanBytes(account.bytes_zeroed)}, right already ${humanBytes(account.bytes_skipped)}`,
    `took ${humanSeconds(account.duration_ms / 1000)}`,
    '',
  ];
}

/** The world of the terminal UI on this machine. */
export function machineWorld(around: MachineWorld): TuiWorld {
  const { origin, access, onlyDisks, searchPath, environment, log } = around;
  const ports = { searchPath, access, log };
  let last: { disk: InventoryDisk; report: EngineReport } | undefined;
  return {
    images: (signal) => imagesOf(around, signal),
    disks: () => disksOf(onlyDisks),
    look: async ({ image, disk, provisioning }: TuiChoice, signal) => {
      const seed = provisioning.mode === 'cloud-init' ? { userData: provisioning.file } : {};
      const flags = provisioning.mode === 'cijoe' ? { cijoeWorkflow: provisioning.file } : {};
      const workflow = { flags, environment, onOutput: () => undefined };
      const wish = { image: image.source, sha256: undefined, target: disk.path, onlyDisks, seed, workflow };
      const looked = await lookBeforeFlash({ ...wish, provision: provisioning.mode }, ports, signal);
      const change = identityChange(disk, looked.target.disk);
      if (change === undefined) return looked;
      await looked.close();
      throw new BtyError('TARGET_CHANGED', `${disk.path} is not the disk that was chosen: ${change}`);
    },
    flash: async (looked, told, signal) => {
      const { report, account } = await flashLookedAt(looked, 'full', told, ports, signal);
      last = { disk: looked.target.disk, report };
      return [...accountLines(looked, account), ...(await tellServer(origin))];
    },
    reboot: async () => {
      if (last === undefined) return;
      // told once more: only for a while after it does the server send the machine's boot to its disk
      await tellServer(origin);
      await around.reboot(last.disk, last.report);
    },
  };
}
