import { fsync } from 'node:fs';
import { promisify } from 'node:util';
import type { BlockTarget } from './block-target.js';
import { DeviceAccess, type OpenDevice } from './device-access.js';
import { diskError } from './disk-error.js';
import { withinTime } from './within-time.js';

/** What only the owner of a device does. */
export interface DeviceOwner {
  /** Makes the kernel forget what it has cached of the device; used after a flush when I/O is not direct. */
  dropCache(): Promise<void>;
  close(): Promise<void>;
}

// A disk may need minutes to empty a large volatile cache.
const FLUSH_TIMEOUT_MS = 600_000;
const sync = promisify(fsync);

/** The claimed device of a flash. Other threads reach the same places through `device`. */
export class DeviceTarget extends DeviceAccess implements BlockTarget {
  constructor(
    readonly device: OpenDevice,
    private readonly owner: DeviceOwner,
  ) {
    super(device);
  }

  async flush(): Promise<void> {
    try {
      await withinTime(sync(this.device.fd), FLUSH_TIMEOUT_MS, `${this.path}: flush`);
    } catch (cause) {
      throw diskError('flush', this.path, 0, cause);
    }
    if (!this.direct) await this.owner.dropCache();
  }

  close(): Promise<void> {
    return this.owner.close();
  }
}
