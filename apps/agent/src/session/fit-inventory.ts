import { type Inventory, PROTOCOL_LIMITS } from '@bty/wire-types';

// The rest of a hello: type, token, nonce, version and the job.
const HELLO_BYTES = 2048;

/**
 * An inventory that fits the protocol's largest frame. Of a machine with very many disks the links go first, then the
 * reasons but one, then the disks at the end: the agent itself chooses the target among all of them.
 */
export function fitInventory(inventory: Inventory): Inventory {
  const room = PROTOCOL_LIMITS.maxFrameBytes - HELLO_BYTES;
  const fits = (candidate: Inventory): boolean => Buffer.byteLength(JSON.stringify(candidate)) <= room;
  if (fits(inventory)) return inventory;
  const disks = inventory.disks.map((disk) => ({ ...disk, by_id: [], in_use: disk.in_use.slice(0, 1) }));
  while (disks.length > 0 && !fits({ ...inventory, disks })) disks.pop();
  return { ...inventory, disks };
}
