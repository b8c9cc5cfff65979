import { readFile, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { InventoryDisk, Transport } from '@bty/wire-types';
import { readAttribute, readAttributeBytes } from './attribute.js';
import type { MachineRoots } from './machine-roots.js';

/** What stays the same while a disk is plugged in, without its links, uses and content. */
export type DiskIdentity = Omit<InventoryDisk, 'by_id' | 'in_use' | 'member_of'>;

// The kernel counts sizes in sysfs in units of 512 bytes, whatever the disk's sectors are.
const SYSFS_UNIT_BYTES = 512;
const MAX_TEXT = 255;
// `0000…` and the like: what makers leave in a field that was to be unique.
const FILLER = /^(0x|eui\.|naa\.)?(.)\2*$/;

const TRANSPORT_PATHS: [RegExp, Transport][] = [
  [/\/usb\d+\//, 'usb'],
  [/\/nvme(\d*|-subsystem)\//, 'nvme'],
  [/\/mmc_host\//, 'mmc'],
  [/\/virtio\d+\/block\//, 'virtio'],
  [/\/session\d+\//, 'iscsi'],
  [/\/rport-/, 'fc'],
  [/\/(end_device-|sas_)/, 'sas'],
  [/\/ata\d+\//, 'sata'],
  [/\/host\d+\/target/, 'scsi'],
];

/** How a disk is attached, from where its device stands in sysfs. */
async function transportOf(devicePath: string): Promise<Transport> {
  const transport = TRANSPORT_PATHS.find(([pattern]) => pattern.test(devicePath))?.[1] ?? 'other';
  const [folder, host] = /^.*\/(host\d+)\//.exec(devicePath) ?? [];
  if (transport !== 'sata' || folder === undefined || host === undefined) return transport;
  // libata drives both kinds of cable; like lsblk, go by the driver's name: ahci and sata_* against ata_* and pata_*.
  const driver = await readAttribute(join(folder, 'scsi_host', host, 'proc_name'));
  return driver === undefined || /^(ahci|sata)/.test(driver) ? 'sata' : 'ata';
}

/** udev's properties of a block device, by its `major:minor`; empty when udev does not run. */
async function udevProperties(roots: MachineRoots, number: string | undefined): Promise<Map<string, string>> {
  const properties = new Map<string, string>();
  if (number === undefined) return properties;
  const text = (await readAttributeBytes(join(roots.run, 'udev/data', `b${number}`)))?.toString('utf8') ?? '';
  for (const line of text.split('\n')) {
    const match = /^E:([A-Z0-9_]+)=(.*)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) properties.set(match[1], match[2].trim());
  }
  return properties;
}

function printable(text: string | undefined): string | undefined {
  const clean = text?.replace(/[^\x20-\x7e]/g, '').trim() ?? '';
  return clean === '' ? undefined : clean.slice(0, MAX_TEXT);
}

/** SCSI's page 0x80 (SPC-5, 7.7.18): a header of four bytes, then the serial number. */
async function unitSerial(block: string): Promise<string | undefined> {
  const page = await readAttributeBytes(join(block, 'device/vpd_pg80'));
  return printable(page?.subarray(4).toString('latin1'));
}

/** The first of several texts that is there and is no filler. */
function firstIdentity(...texts: (string | undefined)[]): string | undefined {
  return texts.map(printable).find((text) => text !== undefined && !FILLER.test(text));
}

async function serialOf(block: string, udev: Map<string, string>): Promise<string | undefined> {
  return firstIdentity(
    await readAttribute(join(block, 'serial')),
    await readAttribute(join(block, 'device/serial')),
    await unitSerial(block),
    udev.get('ID_SERIAL_SHORT'),
  );
}

async function wwnOf(block: string, udev: Map<string, string>): Promise<string | undefined> {
  const own = (await readAttribute(join(block, 'wwid'))) ?? (await readAttribute(join(block, 'device/wwid'))) ?? '';
  const named = /^(eui|naa|uuid|nvme)\./.test(own) ? own : undefined;
  // ID_WWN alone is cut to 64 bits, which the volumes of one array may share.
  return firstIdentity(named, udev.get('ID_WWN_WITH_EXTENSION'), udev.get('ID_WWN'));
}

async function isRemovable(block: string, transport: Transport): Promise<boolean> {
  // Every disk has the attribute; one that does not tell is not known to be fixed.
  if (transport === 'usb' || (await readAttribute(join(block, 'removable'))) !== '0') return true;
  // A card in a slot says `SD`, a soldered eMMC `MMC`; the kernel calls neither removable.
  return transport === 'mmc' && (await readAttribute(join(block, 'device/type'))) === 'SD';
}

/** Reads one disk, named as below `/sys/block`. Throws ENOENT when it is gone. */
export async function readDiskIdentity(roots: MachineRoots, name: string): Promise<DiskIdentity> {
  const block = join(roots.sys, 'block', name);
  const units = Number((await readFile(join(block, 'size'), 'utf8')).trim());
  const udev = await udevProperties(roots, await readAttribute(join(block, 'dev')));
  const transport = await transportOf(await realpath(block));
  const serial = await serialOf(block, udev);
  const wwn = await wwnOf(block, udev);
  const model =
    printable(await readAttribute(join(block, 'device/model'))) ??
    printable(await readAttribute(join(block, 'device/name')));
  const sequence = await readAttribute(join(block, 'diskseq'));
  return {
    path: join(roots.dev, name.replaceAll('!', '/')),
    size_bytes: units * SYSFS_UNIT_BYTES,
    logical_sector_bytes: Number((await readAttribute(join(block, 'queue/logical_block_size'))) ?? '512'),
    ...(serial === undefined ? {} : { serial }),
    ...(wwn === undefined ? {} : { wwn }),
    ...(model === undefined ? {} : { model }),
    transport,
    removable: await isRemovable(block, transport),
    read_only: (await readAttribute(join(block, 'ro'))) !== '0',
    ...(sequence === undefined ? {} : { sequence: Number(sequence) }),
  };
}

/** The name below `/sys/block` of the device with this number; throws ENOENT when there is none. */
export async function diskNameOf(roots: MachineRoots, major: number, minor: number): Promise<string> {
  const link = await readlink(join(roots.sys, 'dev/block', `${major}:${minor}`));
  return link.slice(link.lastIndexOf('/') + 1);
}
