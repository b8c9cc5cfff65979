import type { FlashedTarget, InventoryDisk } from '@bty/wire-types';

/** A disk as results name it. */
export function targetView({ path, size_bytes, serial, wwn, model }: InventoryDisk): FlashedTarget {
  return {
    path,
    size_bytes,
    ...(serial === undefined ? {} : { serial }),
    ...(wwn === undefined ? {} : { wwn }),
    ...(model === undefined ? {} : { model }),
  };
}
