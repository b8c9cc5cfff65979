import { GPT_FIELDS, type Gpt } from './gpt.js';

/** The partition that UEFI firmware boots from: its number, from 1, and its own GUID in lower case. */
export interface EfiSystemPartition {
  number: number;
  guid: string;
}

const ESP_TYPE = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b';

/** A GUID as UEFI stores it: the first three fields little-endian, the rest in order. */
function guidAt(entry: Buffer, offset: number): string {
  const number = (at: number, bytes: number): string =>
    entry
      .readUIntLE(offset + at, bytes)
      .toString(16)
      .padStart(bytes * 2, '0');
  const tail = entry.subarray(offset + 8, offset + 16).toString('hex');
  return `${number(0, 4)}-${number(4, 2)}-${number(6, 2)}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}

/** The first EFI system partition of a table, or undefined when it has none. */
export function efiSystemPartition(gpt: Gpt): EfiSystemPartition | undefined {
  const entryBytes = gpt.headerSector.readUInt32LE(GPT_FIELDS.entryBytes);
  for (let index = 0; (index + 1) * entryBytes <= gpt.entries.length; index += 1) {
    const entry = gpt.entries.subarray(index * entryBytes, (index + 1) * entryBytes);
    if (guidAt(entry, 0) === ESP_TYPE) return { number: index + 1, guid: guidAt(entry, 16) };
  }
  return undefined;
}
