import { readdir, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type InventoryNic, parseMacAddress } from '@bty/wire-types';
import { runCommand } from '../run-command.js';
import { readAttribute } from '../target/attribute.js';
import type { MachineRoots } from '../target/machine-roots.js';

const TIMEOUT_MS = 5000;
const MAX_NICS = 64;
// NET_ADDR_PERM of the kernel's netdevice.h: the address in use is the one that was burnt in.
const PERMANENT = '0';

async function permanentMac(folder: string, name: string): Promise<string | undefined> {
  const address = await readAttribute(join(folder, 'address'));
  if ((await readAttribute(join(folder, 'addr_assign_type'))) === PERMANENT) return address;
  try {
    const { stdout } = await runCommand('ethtool', ['-P', name], TIMEOUT_MS);
    return parseMacAddress(/([0-9a-f]{2}(:[0-9a-f]{2}){5})/i.exec(stdout)?.[1] ?? '') ?? address;
  } catch {
    // Without ethtool the address in use is the best that is known.
    return address;
  }
}

async function driverOf(folder: string): Promise<string | undefined> {
  try {
    return basename(await readlink(join(folder, 'device/driver')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function describeNic(roots: MachineRoots, name: string): Promise<InventoryNic | undefined> {
  const folder = join(roots.sys, 'class/net', name);
  const mac = parseMacAddress((await permanentMac(folder, name)) ?? '');
  if (mac === undefined) return undefined;
  const speed = Number((await readAttribute(join(folder, 'speed'))) ?? '-1');
  const driver = await driverOf(folder);
  return {
    name,
    mac,
    link: (await readAttribute(join(folder, 'carrier'))) === '1',
    ...(Number.isInteger(speed) && speed > 0 ? { speed_mbit: speed } : {}),
    ...(driver === undefined ? {} : { driver }),
  };
}

/** The network cards of the machine: interfaces with a device behind them. Bridges, tunnels and `lo` have none. */
export async function listNics(roots: MachineRoots): Promise<InventoryNic[]> {
  const nics: InventoryNic[] = [];
  for (const name of (await readdir(join(roots.sys, 'class/net'))).sort()) {
    const entries = await readdir(join(roots.sys, 'class/net', name)).catch((): string[] => []);
    if (!entries.includes('device')) continue;
    const nic = await describeNic(roots, name);
    if (nic !== undefined) nics.push(nic);
  }
  return nics.slice(0, MAX_NICS);
}
