import { GPT_FIELDS, readPrimaryGpt } from './gpt.js';

/** A partition as a table states it; numbers count from 1. */
export interface Partition {
  number: number;
  /** Its name in a GPT, when it has one. */
  name?: string;
  offsetBytes: number;
  lengthBytes: number;
}

const MBR_ENTRIES = 446;
const MBR_SECTOR_BYTES = 512;
const PROTECTIVE_TYPE = 0xee;
const NAME_BYTES = 72;

function gptPartitions(entries: Buffer, entryBytes: number, sectorBytes: number): Partition[] {
  const partitions: Partition[] = [];
  for (let index = 0; (index + 1) * entryBytes <= entries.length; index += 1) {
    const entry = entries.subarray(index * entryBytes, (index + 1) * entryBytes);
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue;
    const first = Number(entry.readBigUInt64LE(32));
    const last = Number(entry.readBigUInt64LE(40));
    if (last < first) continue;
    const name = entry.toString('utf16le', 56, 56 + NAME_BYTES).replace(/\0.*$/s, '');
    const range = { offsetBytes: first * sectorBytes, lengthBytes: (last - first + 1) * sectorBytes };
    partitions.push({ number: index + 1, ...(name === '' ? {} : { name }), ...range });
  }
  return partitions;
}

/** The primary partitions of an MBR; logical ones are told by tables that lie inside an extended one. */
function mbrPartitions(head: Buffer): Partition[] {
  if (head.length < MBR_SECTOR_BYTES || head.readUInt16LE(510) !== 0xaa55) return [];
  return [0, 1, 2, 3].flatMap((index) => {
    const at = MBR_ENTRIES + index * 16;
    const type = head[at + 4];
    const sectors = head.readUInt32LE(at + 12);
    if (type === 0 || type === PROTECTIVE_TYPE || sectors === 0) return [];
    const offsetBytes = head.readUInt32LE(at + 8) * MBR_SECTOR_BYTES;
    return [{ number: index + 1, offsetBytes, lengthBytes: sectors * MBR_SECTOR_BYTES }];
  });
}

/**
 * The partitions that the first MiB of a disk or an image tells of, in the order of their numbers: those of a valid GPT,
 * else the primary ones of an MBR, else none.
 */
export function readPartitions(head: Buffer): Partition[] {
  const reading = readPrimaryGpt(head);
  if (reading.kind !== 'valid') return mbrPartitions(head);
  const { gpt } = reading;
  return gptPartitions(gpt.entries, gpt.headerSector.readUInt32LE(GPT_FIELDS.entryBytes), gpt.sectorBytes);
}
