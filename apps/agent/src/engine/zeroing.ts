import { constants } from 'node:os';
import type { ByteRange } from '@bty/image-format';
import { allocateAligned } from './aligned-memory.js';
import type { FallocateMode } from './fallocate.js';
import { OneAtATime } from './one-at-a-time.js';

/** What zeroing a disk is made of. `fallocate` resolves with 0 or an errno. */
export interface ZeroingPorts {
  readonly sectorBytes: number;
  fallocate(mode: FallocateMode, range: ByteRange): Promise<number>;
  read(into: Buffer, offsetBytes: number): Promise<void>;
  write(from: Buffer, offsetBytes: number): Promise<void>;
}

type Method = FallocateMode | 'write';

const { EOPNOTSUPP, ENOSYS, EINVAL, ENOTTY, EPERM } = constants.errno;
const UNSUPPORTED = [EOPNOTSUPP, ENOSYS, EINVAL, ENOTTY, EPERM];
const WRITE_BYTES = 1024 * 1024;
const SAMPLE_BYTES = 4096;
// Below, one write is less work than a call and what must be read back to believe it.
const WRITTEN_BYTES = 512 * 1024;
// One call must end within the time that a disk has for an access.
const CALL_BYTES = 64 * 1024 * 1024;

/** The whole sectors of a range, and what is left of it before and after. */
function cut({ offsetBytes, lengthBytes }: ByteRange, sectorBytes: number): { inner: ByteRange; edges: ByteRange[] } {
  const end = offsetBytes + lengthBytes;
  const from = Math.min(end, Math.ceil(offsetBytes / sectorBytes) * sectorBytes);
  const to = Math.max(from, Math.floor(end / sectorBytes) * sectorBytes);
  const edges = [
    { offsetBytes, lengthBytes: from - offsetBytes },
    { offsetBytes: to, lengthBytes: end - to },
  ];
  return {
    inner: { offsetBytes: from, lengthBytes: to - from },
    edges: edges.filter((edge) => edge.lengthBytes > 0),
  };
}

/**
 * Makes ranges of one disk zero: long ones by its own command where there is one, else through the kernel, else by writing
 * zeros.
 * A way is believed only after parts of each range were read back as zeros: what a disk promises about discarded blocks is
 * not always so. A way that is refused or that lies is not tried again on this disk.
 */
export class Zeroing {
  // In this order: on a loop device a refused zero-range makes the kernel give up on punching as well.
  readonly #methods: Method[] = ['punch', 'zero-range', 'write'];
  readonly #memory = allocateAligned(WRITE_BYTES + SAMPLE_BYTES);
  readonly #zeros = this.#memory.subarray(0, WRITE_BYTES);
  readonly #sample = this.#memory.subarray(WRITE_BYTES);
  readonly #sampling = new OneAtATime();

  constructor(private readonly ports: ZeroingPorts) {}

  async zero(range: ByteRange): Promise<void> {
    const { inner, edges } = cut(range, this.ports.sectorBytes);
    if (range.lengthBytes <= WRITTEN_BYTES) return this.#write(range);
    for (const edge of edges) await this.#write(edge);
    const end = inner.offsetBytes + inner.lengthBytes;
    for (let offsetBytes = inner.offsetBytes; offsetBytes < end; offsetBytes += CALL_BYTES) {
      await this.#zeroSectors({ offsetBytes, lengthBytes: Math.min(CALL_BYTES, end - offsetBytes) });
    }
  }

  async #zeroSectors(range: ByteRange): Promise<void> {
    for (;;) {
      const method = this.#methods[0] ?? 'write';
      if (method === 'write') return this.#write(range);
      const errno = await this.ports.fallocate(method, range);
      if (errno === 0 && (await this.#looksZero(range))) return;
      // Any other failure is the disk's; writing will tell at which sector.
      if (errno !== 0 && !UNSUPPORTED.includes(errno)) return this.#write(range);
      if (this.#methods[0] === method) this.#methods.shift();
    }
  }

  async #write({ offsetBytes, lengthBytes }: ByteRange): Promise<void> {
    for (let done = 0; done < lengthBytes; done += WRITE_BYTES) {
      await this.ports.write(this.#zeros.subarray(0, Math.min(WRITE_BYTES, lengthBytes - done)), offsetBytes + done);
    }
  }

  /** Reads the start, the middle and the end of a range; one range at a time, since there is one sample. */
  async #looksZero({ offsetBytes, lengthBytes }: ByteRange): Promise<boolean> {
    const { sectorBytes } = this.ports;
    const bytes = Math.min(SAMPLE_BYTES, lengthBytes);
    const middle = Math.floor((lengthBytes - bytes) / 2 / sectorBytes) * sectorBytes;
    const places = new Set([0, middle, lengthBytes - bytes]);
    return this.#sampling.run(async () => {
      const sample = this.#sample.subarray(0, bytes);
      for (const place of places) {
        await this.ports.read(sample, offsetBytes + place);
        if (!sample.equals(this.#zeros.subarray(0, bytes))) return false;
      }
      return true;
    });
  }
}
