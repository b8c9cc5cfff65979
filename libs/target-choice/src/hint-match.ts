import type { InventoryDisk, TargetHint } from '@bty/wire-types';
import { worldWideName } from './same-disk.js';

const BY_ID = '/dev/disk/by-id/';

function linkName(text: string): string {
  const name = text.trim();
  return name.startsWith(BY_ID) ? name.slice(BY_ID.length) : name;
}

function textMismatch(field: string, asked: string | undefined, has: string | undefined): string[] {
  if (asked === undefined) return [];
  const own = has?.trim() ?? '';
  if (own === '') return [`it has no ${field}, the hint asks for ${asked.trim()}`];
  return own === asked.trim() ? [] : [`its ${field} is ${own}, the hint asks for ${asked.trim()}`];
}

function wwnMismatch(asked: string | undefined, has: string | undefined): string[] {
  if (asked === undefined) return [];
  const own = worldWideName(has);
  if (own === '') return [`it has no WWN, the hint asks for ${asked.trim()}`];
  return own === worldWideName(asked) ? [] : [`its WWN is ${has?.trim()}, the hint asks for ${asked.trim()}`];
}

function byIdMismatch(asked: string | undefined, names: readonly string[]): string[] {
  if (asked === undefined || names.some((name) => linkName(name) === linkName(asked))) return [];
  return [`no link below ${BY_ID} named ${linkName(asked)} points at it`];
}

function sizeMismatch(disk: InventoryDisk, hint: TargetHint): string[] {
  const reasons: string[] = [];
  if (hint.min_size_bytes !== undefined && disk.size_bytes < hint.min_size_bytes) {
    reasons.push(`it has ${disk.size_bytes} bytes, the hint asks for at least ${hint.min_size_bytes}`);
  }
  if (hint.max_size_bytes !== undefined && disk.size_bytes > hint.max_size_bytes) {
    reasons.push(`it has ${disk.size_bytes} bytes, the hint asks for at most ${hint.max_size_bytes}`);
  }
  return reasons;
}

/** Every way in which a disk is not the one that the hint means; empty when it is. */
export function hintMismatches(disk: InventoryDisk, hint: TargetHint): string[] {
  const transport =
    hint.transport === undefined || hint.transport === disk.transport
      ? []
      : [`it is attached by ${disk.transport}, the hint asks for ${hint.transport}`];
  return [
    ...textMismatch('serial', hint.serial, disk.serial),
    ...wwnMismatch(hint.wwn, disk.wwn),
    ...byIdMismatch(hint.by_id, disk.by_id),
    ...textMismatch('model', hint.model, disk.model),
    ...transport,
    ...sizeMismatch(disk, hint),
  ];
}

/** Whether the hint names one certain disk (serial, WWN, by-id link) and does not merely describe a kind of disk. */
export function namesOneDisk(hint: TargetHint): boolean {
  return hint.serial !== undefined || hint.wwn !== undefined || hint.by_id !== undefined;
}

/** The fields by which a hint tells disks apart; what it allows is not among them. */
export function hintedFields(hint: TargetHint): string[] {
  return Object.keys(hint).filter((field) => !field.startsWith('allow_'));
}
