import type { InventoryDisk } from '@bty/wire-types';
import type { BlockTarget } from '../engine/block-target.js';
import type { Provisioning } from '../engine/engine.js';
import { type FlashedDisk, refuseUnprovisionable } from './provision.js';

/** Does to a flashed disk what configures its system. */
export type Provisioner = (disk: FlashedDisk) => Promise<void>;

/** What a flash does for a provisioner, on the disk that it has claimed. */
export function diskProvisioning(disk: InventoryDisk, target: BlockTarget, provisioner: Provisioner): Provisioning {
  const { path, sizeBytes } = target;
  const sectorBytes = disk.logical_sector_bytes;
  const read: FlashedDisk['read'] = (into, offsetBytes) => target.read(into, offsetBytes);
  return {
    check: (head) => refuseUnprovisionable(head, sectorBytes),
    write: (head) => provisioner({ path, sizeBytes, sectorBytes, head, read }),
  };
}
