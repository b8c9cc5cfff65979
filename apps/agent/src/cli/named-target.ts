import { access, constants, realpath, stat } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { chooseTarget } from '@bty/target-choice';
import { BtyError, type InventoryDisk } from '@bty/wire-types';
import { listDisks } from '../target/list-disks.js';
import type { MachineRoots } from '../target/machine-roots.js';
import { findMemberships } from '../target/signatures.js';

/** Programs without which it cannot be told whether a disk is in use, or what was written be made known. */
const TOOLS = ['wipefs', 'blockdev'];

/** Throws when a program that a flash calls is not installed. */
export async function requireTools(searchPath: string, more: readonly string[] = []): Promise<void> {
  for (const tool of [...TOOLS, ...more]) {
    const places = searchPath.split(delimiter).map((folder) => join(folder, tool));
    const found = await Promise.any(places.map((place) => access(place, constants.X_OK))).then(
      () => true,
      () => false,
    );
    if (found) continue;
    throw new BtyError('INTERNAL', `the program ${tool} is not installed`, { details: { missing_tool: tool } });
  }
}

/** Looks at the disk that somebody named by its node, or by a link to it. Throws when it is no whole disk. */
export async function lookAtTarget(roots: MachineRoots, named: string): Promise<InventoryDisk> {
  const details = { path: named };
  const path = await realpath(named).catch((cause: unknown) => {
    throw new BtyError('NOT_FOUND', `there is no disk ${named}`, { cause, details });
  });
  if (!(await stat(path)).isBlockDevice()) {
    throw new BtyError('INVALID_REQUEST', `${named} is not a disk`, { details });
  }
  const disks = await listDisks(roots, findMemberships, [path]).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
    throw new BtyError('INVALID_REQUEST', `${named} is a part of a disk, name the whole disk`, { cause, details });
  });
  const disk = disks[0];
  if (disk === undefined) throw new BtyError('NOT_FOUND', `there is no disk ${basename(path)}`, { details });
  return disk;
}

/**
 * Refuses a disk that must not be written, with every objection at once. What the person named may be removable; all else
 * that speaks against a disk of a server's job speaks against this one.
 */
export function refuseUnfit(disk: InventoryDisk, neededBytes: number, sectorBytes: number | undefined): void {
  const choice = chooseTarget([disk], { hint: { allow_removable: true }, neededBytes, sectorBytes });
  if ('ok' in choice) return;
  const reasons = choice.disks.flatMap((judged) => judged.reasons);
  const message = `${disk.path} cannot be written: ${reasons.map((reason) => reason.message).join('; ')}`;
  throw new BtyError(choice.refused, message, { details: { path: disk.path, reasons } });
}
