import type { InventoryDisk } from '@bty/wire-types';
import type { BlockTarget } from '../engine/block-target.js';
import type { Provisioning } from '../engine/engine.js';
import { type FlashedDisk, refuseUnprovisionable, type SeedOrder } from './provision.js';

/** What a flash does for a seed, on the disk that it has claimed. */
export function seedProvisioning(
  order: SeedOrder,
  disk: InventoryDisk,
  target: BlockTarget,
  provision: (order: SeedOrder, disk: FlashedDisk) => Promise<void>,
): Provisioning {
  const { path, sizeBytes } = target;
  const sectorBytes = disk.logical_sector_bytes;
  const read: FlashedDisk['read'] = (into, offsetBytes) => target.read(into, offsetBytes);
  return {
    check: (head) => refuseUnprovisionable(head, sectorBytes),
    write: (head) => provision(order, { path, sizeBytes, sectorBytes, head, read }),
  };
}
