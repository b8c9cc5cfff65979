import { milliseconds, type SortColumn } from '../db/index.js';
import type { MachineDto } from './machine.dto.js';

export const MACHINE_SORT_FIELDS = [
  'mac',
  'hostname',
  'image',
  'created_at',
  'updated_at',
  'last_seen_at',
  'last_flashed_at',
] as const;
export type MachineSortField = (typeof MACHINE_SORT_FIELDS)[number];

function text(column: string): SortColumn {
  return { expression: `COALESCE(${column}, '') COLLATE "C"`, kind: 'text' };
}

/** What machines can be sorted by; nothing comes before something. */
export const MACHINE_SORT_COLUMNS: Readonly<Record<MachineSortField, SortColumn>> = {
  // never null, and its own order is that of its index
  mac: { expression: 'machine.mac', kind: 'text' },
  hostname: text('machine.hostname'),
  image: text('machine.image'),
  created_at: milliseconds('machine.createdAt'),
  updated_at: milliseconds('machine.updatedAt'),
  last_seen_at: milliseconds('machine.lastSeenAt'),
  last_flashed_at: milliseconds('machine.lastFlashedAt'),
};

/** What a machine is sorted by, as its column has it. */
export function machineSortValue(machine: MachineDto, field: MachineSortField): string {
  const value = machine[field] ?? '';
  return MACHINE_SORT_COLUMNS[field].kind === 'text' ? value : String(value === '' ? 0 : Date.parse(value));
}
