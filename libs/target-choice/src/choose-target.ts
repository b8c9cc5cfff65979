import type { ErrorCode, InventoryDisk, TargetHint } from '@bty/wire-types';
import { hintMismatches, namesOneDisk } from './hint-match.js';

/** One disk of the machine and every reason against it; no reasons when it was eligible. */
interface JudgedDisk {
  path: string;
  reasons: string[];
}

/** The disk to write, or why none was taken: a code, a sentence for a person, and every disk with its reasons. */
export type TargetChoice = { ok: InventoryDisk } | { refused: ErrorCode; message: string; disks: JudgedDisk[] };

interface Judgement {
  disk: InventoryDisk;
  mismatches: string[];
  obstacles: { code: ErrorCode; reason: string }[];
}

function obstaclesOf(
  disk: InventoryDisk,
  hint: TargetHint,
  neededBytes: number,
  imageSectorBytes: number | undefined,
): Judgement['obstacles'] {
  const obstacles: Judgement['obstacles'] = [];
  const removable = disk.removable || disk.transport === 'usb';
  if (removable && hint.allow_removable !== true) {
    obstacles.push({ code: 'TARGET_NONE', reason: 'it is removable, and the machine record does not allow that' });
  }
  if (disk.read_only) obstacles.push({ code: 'TARGET_NONE', reason: 'it is read-only' });
  for (const use of disk.in_use) obstacles.push({ code: 'TARGET_BUSY', reason: `in use: ${use}` });
  const sectors = Math.floor(disk.size_bytes / disk.logical_sector_bytes);
  const neededSectors = Math.ceil(neededBytes / disk.logical_sector_bytes);
  if (sectors < neededSectors) {
    const missing = neededSectors - sectors;
    const unit = `sector${missing === 1 ? '' : 's'} of ${disk.logical_sector_bytes} bytes`;
    obstacles.push({
      code: 'TARGET_TOO_SMALL',
      reason: `it has ${disk.size_bytes} bytes, the image needs ${neededBytes}: ${missing} ${unit} too few`,
    });
  }
  if (imageSectorBytes !== undefined && imageSectorBytes !== disk.logical_sector_bytes) {
    obstacles.push({
      code: 'SECTOR_SIZE_MISMATCH',
      reason: `its sectors have ${disk.logical_sector_bytes} bytes, the image was made for ${imageSectorBytes}`,
    });
  }
  return obstacles;
}

function listed(judgements: readonly Judgement[]): JudgedDisk[] {
  return judgements.map(({ disk, mismatches, obstacles }) => ({
    path: disk.path,
    reasons: [...mismatches, ...obstacles.map(({ reason }) => reason)],
  }));
}

function refuse(refused: ErrorCode, why: string, judgements: readonly Judgement[]): TargetChoice {
  const disks = listed(judgements);
  const lines = disks.map(({ path, reasons }) => `${path}: ${reasons.length > 0 ? reasons.join('; ') : 'eligible'}`);
  return { refused, message: [`${why}.`, ...lines].join('\n'), disks };
}

/** The one code that all obstacles share, `TARGET_NONE` when they differ. */
function sharedCode(judgements: readonly Judgement[]): ErrorCode {
  const codes = new Set(judgements.flatMap(({ obstacles }) => obstacles.map(({ code }) => code)));
  const [first] = codes;
  return codes.size === 1 && first !== undefined ? first : 'TARGET_NONE';
}

/**
 * Chooses the disk that an image of `neededBytes` goes to. Fails closed.
 *
 * A hint's fields must all match. A disk that is removable (unless the hint allows it), read-only, in use, too small, or
 * of another sector size than the image (`imageSectorBytes`, undefined when the image does not tell) is never taken.
 * Exactly one disk must remain; a hint by serial, WWN or by-id link must also match exactly one disk in the first place,
 * since two disks of one identity are two paths to one disk, or a clone. Everything else is a refusal that lists every
 * disk and every reason: `TARGET_NONE`, `TARGET_NOT_FOUND`, `TARGET_AMBIGUOUS`, or what alone stands in the way.
 */
export function chooseTarget(
  disks: readonly InventoryDisk[],
  hint: TargetHint | undefined,
  neededBytes: number,
  imageSectorBytes?: number,
): TargetChoice {
  const asked = hint ?? {};
  const judgements = disks.map((disk) => ({
    disk,
    mismatches: hintMismatches(disk, asked),
    obstacles: obstaclesOf(disk, asked, neededBytes, imageSectorBytes),
  }));
  if (judgements.length === 0) return refuse('TARGET_NONE', 'This machine shows no disk', judgements);
  const matching = judgements.filter(({ mismatches }) => mismatches.length === 0);
  if (matching.length === 0) return refuse('TARGET_NOT_FOUND', 'No disk matches the target hint', judgements);
  if (matching.length > 1 && namesOneDisk(asked)) {
    return refuse('TARGET_AMBIGUOUS', `${matching.length} disks match a hint that names one disk`, judgements);
  }
  const eligible = matching.filter(({ obstacles }) => obstacles.length === 0);
  const [first] = eligible;
  if (first === undefined) return refuse(sharedCode(matching), 'No disk may be written', judgements);
  if (eligible.length > 1) {
    const advice = hint === undefined ? 'give a target hint' : 'make the target hint narrower';
    return refuse('TARGET_AMBIGUOUS', `${eligible.length} disks may be written: ${advice}`, judgements);
  }
  return { ok: first.disk };
}
