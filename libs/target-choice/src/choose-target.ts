import type { ErrorCode, InventoryDisk } from '@bty/wire-types';
import { hintedFields, hintMismatches, namesOneDisk } from './hint-match.js';
import { membersExcuse, type Obstacle, obstaclesOf, type TargetWish } from './obstacles.js';

/** One disk of the machine and every reason against it; no reasons when it is eligible. */
export interface JudgedDisk {
  readonly path: string;
  readonly reasons: Obstacle[];
}

/** The disk to write and why, or why none was taken: a code and a sentence for a person. Either with every disk. */
export type TargetChoice = { readonly disks: JudgedDisk[] } & (
  | { readonly ok: InventoryDisk; readonly why: string }
  | { readonly refused: ErrorCode; readonly message: string }
);

interface Judgement {
  disk: InventoryDisk;
  mismatches: string[];
  obstacles: Obstacle[];
}

function listed(judgements: readonly Judgement[]): JudgedDisk[] {
  return judgements.map(({ disk, mismatches, obstacles }) => ({
    path: disk.path,
    reasons: [...mismatches.map((message) => ({ code: 'TARGET_NOT_FOUND' as const, message })), ...obstacles],
  }));
}

function refuse(refused: ErrorCode, why: string, judgements: readonly Judgement[]): TargetChoice {
  const disks = listed(judgements);
  const lines = disks.map(({ path, reasons }) => {
    const against = reasons.map(({ message }) => message).join('; ');
    return `${path}: ${against === '' ? 'eligible' : against}`;
  });
  return { refused, message: [`${why}.`, ...lines].join('\n'), disks };
}

/** The one code that all obstacles share, `TARGET_NONE` when they differ. */
function sharedCode(judgements: readonly Judgement[]): ErrorCode {
  const codes = new Set(judgements.flatMap(({ obstacles }) => obstacles.map(({ code }) => code)));
  const [first] = codes;
  return codes.size === 1 && first !== undefined ? first : 'TARGET_NONE';
}

function whyTaken(disk: InventoryDisk, wish: TargetWish): string {
  const fields = hintedFields(wish.hint ?? {}).join(', ');
  const matching = fields === '' ? '' : ` matches the hint (${fields}) and`;
  const excuse = disk.member_of?.length ? membersExcuse(disk, wish) : undefined;
  const signatures = excuse === undefined ? '' : `; it carries ${disk.member_of?.join(', ')}, but ${excuse}`;
  return `it is the only disk that${matching} may be written${signatures}`;
}

/**
 * Chooses the disk that an image goes to. Fails closed; agent and server decide alike by it.
 *
 * A hint's fields must all match. Never taken is a disk that is removable (unless the hint allows it), read-only, in use,
 * too small, or of another sector size than the image; that carries signatures of LVM, RAID, ZFS or cluster storage,
 * unless the hint allows it or the machine's last flash wrote that very disk; or that shows up twice.
 * Exactly one disk must remain; a hint by serial, WWN or by-id link must also match exactly one disk in the first place,
 * since two disks of one identity are two paths to one disk, or a clone. Everything else is a refusal that lists every
 * disk and every reason: `TARGET_NONE`, `TARGET_NOT_FOUND`, `TARGET_AMBIGUOUS`, or what alone stands in the way.
 */
export function chooseTarget(disks: readonly InventoryDisk[], wish: TargetWish): TargetChoice {
  const hint = wish.hint ?? {};
  const judgements = disks.map((disk) => ({
    disk,
    mismatches: hintMismatches(disk, hint),
    obstacles: obstaclesOf(disk, disks, wish),
  }));
  if (judgements.length === 0) return refuse('TARGET_NONE', 'This machine shows no disk', judgements);
  const matching = judgements.filter(({ mismatches }) => mismatches.length === 0);
  if (matching.length === 0) return refuse('TARGET_NOT_FOUND', 'No disk matches the target hint', judgements);
  if (matching.length > 1 && namesOneDisk(hint)) {
    return refuse('TARGET_AMBIGUOUS', `${matching.length} disks match a hint that names one disk`, judgements);
  }
  const eligible = matching.filter(({ obstacles }) => obstacles.length === 0);
  const [first] = eligible;
  if (first === undefined) return refuse(sharedCode(matching), 'No disk may be written', judgements);
  if (eligible.length > 1) {
    const advice = hintedFields(hint).length === 0 ? 'give a target hint' : 'make the target hint narrower';
    return refuse('TARGET_AMBIGUOUS', `${eligible.length} disks may be written: ${advice}`, judgements);
  }
  return { ok: first.disk, why: whyTaken(first.disk, wish), disks: listed(judgements) };
}
