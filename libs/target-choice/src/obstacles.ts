import type { ErrorCode, FlashedTarget, InventoryDisk, TargetHint } from '@bty/wire-types';
import { isSameDisk } from './same-disk.js';

/** What a target is looked for. */
export interface TargetWish {
  readonly hint?: TargetHint | undefined;
  /** Bytes that the image needs; 0 when there is no image yet. */
  readonly neededBytes: number;
  /** Logical sector size that the image was made for, when it tells. */
  readonly sectorBytes?: number | undefined;
  /** The disk that the machine's last successful flash wrote. */
  readonly lastTarget?: FlashedTarget | undefined;
}

/** One reason why a disk must not be written. */
export interface Obstacle {
  readonly code: ErrorCode;
  readonly message: string;
}

function tooSmall(disk: InventoryDisk, neededBytes: number): Obstacle[] {
  const sectors = Math.floor(disk.size_bytes / disk.logical_sector_bytes);
  const missing = Math.ceil(neededBytes / disk.logical_sector_bytes) - sectors;
  if (missing <= 0) return [];
  const unit = `sector${missing === 1 ? '' : 's'} of ${disk.logical_sector_bytes} bytes`;
  const message = `it has ${disk.size_bytes} bytes, the image needs ${neededBytes}: ${missing} ${unit} too few`;
  return [{ code: 'TARGET_TOO_SMALL', message }];
}

/**
 * Why the signatures on a disk do not count against it: the hint allows them, or they are those of the system that the
 * machine's last flash put there. Undefined when they do count.
 */
export function membersExcuse(disk: InventoryDisk, wish: TargetWish): string | undefined {
  if (wish.hint?.allow_members === true) return 'the hint allows it';
  const { lastTarget } = wish;
  return lastTarget !== undefined && isSameDisk(disk, lastTarget)
    ? 'the last flash of this machine wrote this disk'
    : undefined;
}

function members(disk: InventoryDisk, wish: TargetWish): Obstacle[] {
  if (membersExcuse(disk, wish) !== undefined) return [];
  return (disk.member_of ?? []).map((member) => ({
    code: 'TARGET_MEMBER',
    message: `it may be a part of other storage (${member}), and the hint does not say allow_members`,
  }));
}

/** Every reason why a disk must not be written, whatever the hint means; empty when it may. `others` may hold it too. */
export function obstaclesOf(disk: InventoryDisk, others: readonly InventoryDisk[], wish: TargetWish): Obstacle[] {
  const obstacles: Obstacle[] = [];
  if ((disk.removable || disk.transport === 'usb') && wish.hint?.allow_removable !== true) {
    obstacles.push({ code: 'TARGET_NONE', message: 'it is removable, and the hint does not say allow_removable' });
  }
  if (disk.read_only) obstacles.push({ code: 'TARGET_NONE', message: 'it is read-only' });
  for (const use of disk.in_use) obstacles.push({ code: 'TARGET_BUSY', message: `in use: ${use}` });
  obstacles.push(...members(disk, wish));
  for (const twin of others) {
    if (twin.path === disk.path || !isSameDisk(disk, twin)) continue;
    const message = `${twin.path} has the same identity: they are two paths to one disk, or a copy`;
    obstacles.push({ code: 'TARGET_AMBIGUOUS', message });
  }
  obstacles.push(...tooSmall(disk, wish.neededBytes));
  if (wish.sectorBytes !== undefined && wish.sectorBytes !== disk.logical_sector_bytes) {
    const message = `its sectors have ${disk.logical_sector_bytes} bytes, the image was made for ${wish.sectorBytes}`;
    obstacles.push({ code: 'SECTOR_SIZE_MISMATCH', message });
  }
  return obstacles;
}
