import { access, constants, realpath, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { chooseTarget, type JudgedDisk, type TargetWish } from '@bty/target-choice';
import { BtyError, type InventoryDisk, type TargetHint } from '@bty/wire-types';
import { findTool } from '../find-tool.js';
import { type DiskContent, readDiskContent } from '../target/disk-content.js';
import { listDisks } from '../target/list-disks.js';
import type { MachineRoots } from '../target/machine-roots.js';
import { findMemberships } from '../target/signatures.js';
import { parseTarget } from './target-flag.js';

/** One reason against a disk: its code, and a sentence. */
export type Objection = JudgedDisk['reasons'][number];

/** The disk that a command is about: what it is, what is on it, and all that speaks against writing it. */
export interface NamedTarget {
  disk: InventoryDisk;
  content: DiskContent;
  objections: readonly Objection[];
}

/** What the image asks of a disk. */
export interface Needs {
  neededBytes: number;
  sectorBytes: number | undefined;
}

/** Programs without which it cannot be told whether a disk is in use, or what was written be made known. */
const TOOLS = ['wipefs', 'blockdev', 'blkid'];

/** Throws when a program that a flash calls is not installed. */
export async function requireTools(searchPath: string, more: readonly string[] = []): Promise<void> {
  for (const tool of [...TOOLS, ...more]) {
    if ((await findTool(searchPath, tool)) !== undefined) continue;
    throw new BtyError('INTERNAL', `the program ${tool} is not installed`, { details: { missing_tool: tool } });
  }
}

/** Throws unless this user may look into a disk: what cannot be looked at cannot be judged. */
async function requireAccess(path: string): Promise<void> {
  await access(path, constants.R_OK).catch((cause: NodeJS.ErrnoException) => {
    const details = { path, errno: cause.code };
    throw new BtyError('DISK_IO', `only root may look at ${path}; run the same with sudo`, { cause, details });
  });
}

/** Looks at the disk that somebody named by its node, or by a link to it. Throws when it is no whole disk. */
async function lookAtTarget(roots: MachineRoots, named: string): Promise<InventoryDisk> {
  const details = { path: named };
  const path = await realpath(named).catch((cause: unknown) => {
    throw new BtyError('NOT_FOUND', `there is no disk ${named}`, { cause, details });
  });
  if (!(await stat(path)).isBlockDevice()) {
    throw new BtyError('INVALID_REQUEST', `${named} is not a disk`, { details });
  }
  await requireAccess(path);
  const disks = await listDisks(roots, findMemberships, [path]).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
    throw new BtyError('INVALID_REQUEST', `${named} is a part of a disk, name the whole disk`, { cause, details });
  });
  const disk = disks[0];
  if (disk === undefined) throw new BtyError('NOT_FOUND', `there is no disk ${basename(path)}`, { details });
  return disk;
}

function chosen(disks: readonly InventoryDisk[], wish: TargetWish): InventoryDisk {
  const choice = chooseTarget(disks, wish);
  if ('ok' in choice) return choice.ok;
  throw new BtyError(choice.refused, choice.message, { details: { disks: choice.disks } });
}

/** The one disk of this machine that a hint means and that may be written. Throws with every disk and every reason. */
async function lookByHint(
  roots: MachineRoots,
  hint: TargetHint,
  { neededBytes, sectorBytes }: Needs,
  only: readonly string[],
): Promise<InventoryDisk> {
  const disks = await listDisks(roots, findMemberships, only);
  for (const { path } of disks) await requireAccess(path);
  return chosen(disks, { hint, neededBytes, sectorBytes });
}

/** The disk that `--target` means, to read it only: what speaks against writing does not count. */
export async function lookForReading(
  roots: MachineRoots,
  named: string,
  only: readonly string[],
): Promise<InventoryDisk> {
  const flag = parseTarget(named);
  if (flag.kind === 'device') return lookAtTarget(roots, flag.path);
  const disks = (await listDisks(roots, findMemberships, only)).map((disk) => ({
    ...disk,
    in_use: [],
    read_only: false,
  }));
  const hint = { ...flag.hint, allow_removable: true, allow_members: true };
  return chosen(disks, { hint, neededBytes: 0 });
}

/** All that speaks against a disk that a person named: it may be removable; all else counts as for a server's job. */
export function objectionsTo(disk: InventoryDisk, { neededBytes, sectorBytes }: Needs): readonly Objection[] {
  const choice = chooseTarget([disk], { hint: { allow_removable: true }, neededBytes, sectorBytes });
  return choice.disks.flatMap(({ reasons }) => reasons);
}

/**
 * Finds the disk that `--target` means, and looks at it. A device is given with every objection, and is looked at before
 * it is known what the image needs; a hint that does not lead to one disk that may be written throws. `only` are the disks
 * that are looked at for a hint, when not empty.
 */
export async function findTarget(
  roots: MachineRoots,
  named: string,
  needs: Promise<Needs>,
  only: readonly string[],
): Promise<NamedTarget> {
  needs.catch(() => undefined); // awaited when the disk is known
  const flag = parseTarget(named);
  if (flag.kind === 'hint') {
    const disk = await lookByHint(roots, flag.hint, await needs, only);
    return { disk, content: await readDiskContent(disk), objections: [] };
  }
  const disk = await lookAtTarget(roots, flag.path);
  return { disk, content: await readDiskContent(disk), objections: objectionsTo(disk, await needs) };
}

/** Refuses a disk that something speaks against, with every objection at once. */
export function refuseUnfit({ disk, objections }: Pick<NamedTarget, 'disk' | 'objections'>): void {
  const [first] = objections;
  if (first === undefined) return;
  const code = objections.every((objection) => objection.code === first.code) ? first.code : 'TARGET_NONE';
  const message = `${disk.path} cannot be written: ${objections.map((objection) => objection.message).join('; ')}`;
  throw new BtyError(code, message, { details: { path: disk.path, reasons: objections } });
}
