import { GPT_FIELDS, type Gpt, readPrimaryGpt } from './gpt.js';

/** A part of a disk that its partition table names. `number` counts as the kernel does, from 1. */
export interface Partition {
  number: number;
  offsetBytes: number;
  lengthBytes: number;
  /** Of a GPT entry, in lower case; of an MBR entry `<disk signature>-<number>`, as `PARTUUID=` has it. */
  uuid: string;
  /** Its name in a GPT, when it has one. */
  name?: string;
  /** Whether logical partitions are chained in it (MBR). */
  extended?: boolean;
}

const NO_TYPE = Buffer.alloc(16);
const MBR_TABLE = 446;
const MBR_ENTRY_BYTES = 16;
const PROTECTIVE_TYPE = 0xee;
const EXTENDED_TYPES = [0x05, 0x0f, 0x85];
const FIRST_LOGICAL = 5;
const MAX_LOGICAL = 60;

function guidText(bytes: Buffer): string {
  const hex = Buffer.concat([
    ...[Buffer.from(bytes.subarray(0, 4)).reverse(), Buffer.from(bytes.subarray(4, 6)).reverse()],
    ...[Buffer.from(bytes.subarray(6, 8)).reverse(), bytes.subarray(8, 16)],
  ]).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function gptPartitions(gpt: Gpt): Partition[] {
  const entryBytes = gpt.headerSector.readUInt32LE(GPT_FIELDS.entryBytes);
  const partitions: Partition[] = [];
  for (let index = 0; (index + 1) * entryBytes <= gpt.entries.length; index += 1) {
    const entry = gpt.entries.subarray(index * entryBytes, (index + 1) * entryBytes);
    if (entry.length < 128 || entry.subarray(0, 16).equals(NO_TYPE)) continue;
    const first = Number(entry.readBigUInt64LE(32));
    const last = Number(entry.readBigUInt64LE(40));
    if (last < first) continue;
    const name = entry.subarray(56, 128).toString('utf16le').replace(/\0.*$/s, '');
    partitions.push({
      number: index + 1,
      offsetBytes: first * gpt.sectorBytes,
      lengthBytes: (last - first + 1) * gpt.sectorBytes,
      uuid: guidText(entry.subarray(16, 32)),
      ...(name === '' ? {} : { name }),
    });
  }
  return partitions;
}

interface MbrEntry {
  type: number;
  startSector: number;
  sectors: number;
}

/** The four entries of a boot record; undefined when the sector is none. */
function bootRecord(sector: Buffer): MbrEntry[] | undefined {
  if (sector.length < 512 || sector.readUInt16LE(510) !== 0xaa55) return undefined;
  return [0, 1, 2, 3].map((index) => {
    const at = MBR_TABLE + index * MBR_ENTRY_BYTES;
    return {
      type: sector.readUInt8(at + 4),
      startSector: sector.readUInt32LE(at + 8),
      sectors: sector.readUInt32LE(at + 12),
    };
  });
}

function mbrUuid(head: Buffer, number: number): string {
  const signature = head.readUInt32LE(440).toString(16).padStart(8, '0');
  return `${signature}-${number.toString(16).padStart(2, '0')}`;
}

function mbrPartitions(head: Buffer, sectorBytes: number): Partition[] {
  const entries = bootRecord(head) ?? [];
  // A boot sector of a file system has the same signature; where the table stands it has code or text.
  const bootable = entries.every((_entry, index) => [0, 0x80].includes(head.readUInt8(MBR_TABLE + index * 16)));
  if (!bootable || entries.some(({ type }) => type === PROTECTIVE_TYPE)) return [];
  return entries.flatMap(({ type, startSector, sectors }, index) =>
    type === 0 || sectors === 0 || startSector === 0
      ? []
      : [
          {
            number: index + 1,
            offsetBytes: startSector * sectorBytes,
            lengthBytes: sectors * sectorBytes,
            uuid: mbrUuid(head, index + 1),
            ...(EXTENDED_TYPES.includes(type) ? { extended: true } : {}),
          },
        ],
  );
}

/** Follows the chain of extended boot records; `read` gives one sector. A chain that runs in circles is cut. */
async function logicalPartitions(
  head: Buffer,
  extended: Partition,
  sectorBytes: number,
  read: (offsetBytes: number, lengthBytes: number) => Promise<Buffer>,
): Promise<Partition[]> {
  const found: Partition[] = [];
  let at = extended.offsetBytes;
  while (found.length < MAX_LOGICAL) {
    const [own, next] = bootRecord(await read(at, sectorBytes)) ?? [];
    if (own === undefined || own.sectors === 0) break;
    const number = FIRST_LOGICAL + found.length;
    const offsetBytes = at + own.startSector * sectorBytes;
    found.push({ number, offsetBytes, lengthBytes: own.sectors * sectorBytes, uuid: mbrUuid(head, number) });
    if (next === undefined || next.sectors === 0) break;
    at = extended.offsetBytes + next.startSector * sectorBytes;
  }
  return found;
}

/**
 * The partitions that the first MiB of a disk or an image tells of: those of a valid GPT, else the four of an MBR, an
 * extended one among them, else none. A GPT says itself what its sectors are, an MBR counts in those of the disk.
 */
export function readPartitions(head: Buffer, sectorBytes = 512): Partition[] {
  const reading = readPrimaryGpt(head);
  return reading.kind === 'valid' ? gptPartitions(reading.gpt) : mbrPartitions(head, sectorBytes);
}

/** All partitions of a disk: as {@link readPartitions}, but logical ones, which `read` fetches, for the extended one. */
export async function listPartitions(
  head: Buffer,
  sectorBytes: number,
  read: (offsetBytes: number, lengthBytes: number) => Promise<Buffer>,
): Promise<Partition[]> {
  const table = readPartitions(head, sectorBytes);
  const plain = table.filter(({ extended }) => extended !== true);
  const extended = table.find((partition) => partition.extended === true);
  return extended === undefined ? plain : [...plain, ...(await logicalPartitions(head, extended, sectorBytes, read))];
}
