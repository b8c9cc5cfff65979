import { access, readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Firmware, Inventory, InventoryDisk } from '@bty/wire-types';
import { readAttribute } from '../target/attribute.js';
import type { MachineRoots } from '../target/machine-roots.js';
import { dmiText, dmiUuid } from './firmware-tables.js';
import { listNics } from './nics.js';

/** How the machine was started: the kernel has the folder only under UEFI. */
async function firmwareOf(roots: MachineRoots): Promise<Firmware> {
  try {
    await access(join(roots.sys, 'firmware/efi'));
    return 'uefi';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'bios';
    throw error;
  }
}

function ramBytes(meminfo: string): number {
  return Number(/^MemTotal:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? '0') * 1024;
}

/** What the agent sees of its machine; the disks are looked up by the caller. */
export async function gatherInventory(roots: MachineRoots, disks: InventoryDisk[]): Promise<Inventory> {
  const dmi = join(roots.sys, 'class/dmi/id');
  const uuid = dmiUuid(await readAttribute(join(dmi, 'product_uuid')));
  const vendor = dmiText(await readAttribute(join(dmi, 'sys_vendor')));
  const product = dmiText(await readAttribute(join(dmi, 'product_name')));
  return {
    disks,
    nics: await listNics(roots),
    firmware: await firmwareOf(roots),
    ...(uuid === undefined ? {} : { dmi_uuid: uuid }),
    ...(vendor === undefined ? {} : { dmi_vendor: vendor }),
    ...(product === undefined ? {} : { dmi_product: product }),
    ram_bytes: ramBytes(await readFile(join(roots.proc, 'meminfo'), 'utf8')),
    cpu_count: Math.max(1, cpus().length),
  };
}
