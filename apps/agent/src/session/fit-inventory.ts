import { type Inventory, type InventoryDisk, PROTOCOL_LIMITS } from '@bty/wire-types';

// The rest of a hello: type, token, nonce, version and the job.
const HELLO_BYTES = 2048;

/** A disk without its links, and with one reason and one signature of each kind. */
function briefly(disk: InventoryDisk): InventoryDisk {
  const member_of = disk.member_of?.slice(0, 1);
  return { ...disk, by_id: [], in_use: disk.in_use.slice(0, 1), ...(member_of === undefined ? {} : { member_of }) };
}

/**
 * An inventory that fits the protocol's largest frame. Of a machine with very many disks the links go first, then the
 * reasons but one, then the disks at the end, and it says so: the agent itself chooses the target among all of them.
 */
export function fitInventory(inventory: Inventory): Inventory {
  const room = PROTOCOL_LIMITS.maxFrameBytes - HELLO_BYTES;
  const fits = (candidate: Inventory): boolean => Buffer.byteLength(JSON.stringify(candidate)) <= room;
  if (fits(inventory)) return inventory;
  const shortened = { ...inventory, abridged: true, disks: inventory.disks.map(briefly) };
  while (shortened.disks.length > 0 && !fits(shortened)) shortened.disks.pop();
  return shortened;
}
