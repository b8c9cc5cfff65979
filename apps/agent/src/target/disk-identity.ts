import { readFile, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { InventoryDisk, Transport } from '@bty/wire-types';
import { readAttribute, readAttributeBytes } from './attribute.js';
import type { MachineRoots } from './machine-roots.js';

/** What stays the same while a disk is plugged in, without its links and uses. */
export type DiskIdentity = Omit<InventoryDisk, 'by_id' | 'in_use'>;

// The kernel counts sizes in sysfs in units of 512 bytes, whatever the disk's sectors are.
const SYSFS_UNIT_BYTES = 512;
const MAX_TEXT = 255;

const TRANSPORT_PATHS: [RegExp, Transport][] = [
  [/\/usb\d+\//, 'usb'],
  [/\/nvme\d*\//, 'nvme'],
  [/\/mmc_host\//, 'mmc'],
  [/\/virtio\d+\/block\//, 'virtio'],
  [/\/session\d+\//, 'iscsi'],
  [/\/rport-/, 'fc'],
  [/\/(end_device-|sas_)/, 'sas'],
  [/\/ata\d+\//, 'sata'],
  [/\/host\d+\/target/, 'scsi'],
];

/** How a disk is attached, from where its device stands in sysfs. */
function transportOf(devicePath: string): Transport {
  return TRANSPORT_PATHS.find(([pattern]) => pattern.test(devicePath))?.[1] ?? 'other';
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

async function serialOf(block: string, udev: Map<string, string>): Promise<string | undefined> {
  return (
    printable(await readAttribute(join(block, 'serial'))) ??
    printable(await readAttribute(join(block, 'device/serial'))) ??
    (await unitSerial(block)) ??
    printable(udev.get('ID_SERIAL_SHORT'))
  );
}

async function wwnOf(block: string, udev: Map<string, string>): Promise<string | undefined> {
  const own = (await readAttribute(join(block, 'wwid'))) ?? (await readAttribute(join(block, 'device/wwid')));
  const named = own !== undefined && /^(eui|naa|uuid)\./.test(own) ? own : undefined;
  return printable(named) ?? printable(udev.get('ID_WWN'));
}

async function isRemovable(block: string, transport: Transport): Promise<boolean> {
  if (transport === 'usb' || (await readAttribute(join(block, 'removable'))) === '1') return true;
  // A card in a slot says `SD`, a soldered eMMC `MMC`; the kernel calls neither removable.
  return transport === 'mmc' && (await readAttribute(join(block, 'device/type'))) === 'SD';
}

/** Reads one disk, named as below `/sys/block`. Throws ENOENT when it is gone. */
export async function readDiskIdentity(roots: MachineRoots, name: string): Promise<DiskIdentity> {
  const block = join(roots.sys, 'block', name);
  const units = Number((await readFile(join(block, 'size'), 'utf8')).trim());
  const udev = await udevProperties(roots, await readAttribute(join(block, 'dev')));
  const transport = transportOf(await realpath(block));
  const serial = await serialOf(block, udev);
  const wwn = await wwnOf(block, udev);
  const model =
    printable(await readAttribute(join(block, 'device/model'))) ??
    printable(await readAttribute(join(block, 'device/name')));
  return {
    path: join(roots.dev, name.replaceAll('!', '/')),
    size_bytes: units * SYSFS_UNIT_BYTES,
    logical_sector_bytes: Number((await readAttribute(join(block, 'queue/logical_block_size'))) ?? '512'),
    ...(serial === undefined ? {} : { serial }),
    ...(wwn === undefined ? {} : { wwn }),
    ...(model === undefined ? {} : { model }),
    transport,
    removable: await isRemovable(block, transport),
    read_only: (await readAttribute(join(block, 'ro'))) === '1',
  };
}

/** The name below `/sys/block` of the device with this number; throws ENOENT when there is none. */
export async function diskNameOf(roots: MachineRoots, major: number, minor: number): Promise<string> {
  const link = await readlink(join(roots.sys, 'dev/block', `${major}:${minor}`));
  return link.slice(link.lastIndexOf('/') + 1);
}
