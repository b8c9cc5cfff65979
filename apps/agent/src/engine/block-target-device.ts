import type { FileHandle } from 'node:fs/promises';
import type { ByteRange } from '@bty/image-format';
import { allocateAligned, isAligned } from './aligned-memory.js';
import type { BlockTarget } from './block-target.js';
import { diskError } from './disk-error.js';
import { firstFailingSector } from './first-failing-sector.js';
import { withinTime } from './within-time.js';

/** What is known about an open device; `direct` says whether it was opened with O_DIRECT. */
export interface OpenDevice {
  handle: FileHandle;
  path: string;
  sizeBytes: number;
  sectorBytes: number;
  direct: boolean;
  /** Makes the kernel forget what it has cached of the device; used after a flush when I/O is not direct. */
  dropCache(): Promise<void>;
}

const BOUNCE_BYTES = 1024 * 1024;
const ACCESS_TIMEOUT_MS = 120_000;
// A disk may need minutes to empty a large volatile cache.
const FLUSH_TIMEOUT_MS = 600_000;

// How the kernel reports what a disk could not read or write (block/blk-core.c): critical medium errors are ENODATA.
const MEDIUM_ERRORS = ['EIO', 'ENODATA', 'EILSEQ', 'EREMOTEIO'];

type Access = (buffer: Buffer, offsetBytes: number) => Promise<number>;

/** A block device or regular file. Whole aligned accesses go straight to it, all others through an aligned copy. */
export class DeviceTarget implements BlockTarget {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #device: OpenDevice;
  readonly #zeros: Buffer;
  readonly #bounce: Buffer;
  #bounceFree: Promise<unknown> = Promise.resolve();

  constructor(device: OpenDevice) {
    this.#device = device;
    this.path = device.path;
    this.sizeBytes = device.sizeBytes;
    const memory = allocateAligned(2 * BOUNCE_BYTES);
    this.#zeros = memory.subarray(0, BOUNCE_BYTES);
    this.#bounce = memory.subarray(BOUNCE_BYTES);
  }

  async read(into: Buffer, offsetBytes: number): Promise<void> {
    if (this.#fits(into, offsetBytes)) return this.#readWhole(into, offsetBytes);
    await this.#bounced(offsetBytes, into.length, async (copy, copyOffset, from, to) => {
      await this.#readWhole(copy, copyOffset);
      copy.copy(into, from - offsetBytes, from - copyOffset, to - copyOffset);
    });
  }

  async write(from: Buffer, offsetBytes: number): Promise<void> {
    if (this.#fits(from, offsetBytes)) return this.#writeWhole(from, offsetBytes);
    await this.#bounced(offsetBytes, from.length, async (copy, copyOffset, start, end) => {
      // The rest of a partly written sector must stay what it is.
      if (end - start < copy.length) await this.#readWhole(copy, copyOffset);
      from.copy(copy, start - copyOffset, start - offsetBytes, end - offsetBytes);
      await this.#writeWhole(copy, copyOffset);
    });
  }

  async zero({ offsetBytes, lengthBytes }: ByteRange): Promise<void> {
    for (let done = 0; done < lengthBytes; done += BOUNCE_BYTES) {
      await this.write(this.#zeros.subarray(0, Math.min(BOUNCE_BYTES, lengthBytes - done)), offsetBytes + done);
    }
  }

  async flush(): Promise<void> {
    try {
      await withinTime(this.#device.handle.sync(), FLUSH_TIMEOUT_MS, `${this.path}: flush`);
    } catch (cause) {
      throw diskError('flush', this.path, 0, cause);
    }
    if (!this.#device.direct) await this.#device.dropCache();
  }

  close(): Promise<void> {
    return this.#device.handle.close();
  }

  #fits(buffer: Buffer, offsetBytes: number): boolean {
    const { direct, sectorBytes } = this.#device;
    return !direct || (isAligned(buffer) && offsetBytes % sectorBytes === 0 && buffer.length % sectorBytes === 0);
  }

  /** Splits a range into pieces of whole sectors that fit the aligned copy; one at a time, since there is one copy. */
  async #bounced(
    offsetBytes: number,
    lengthBytes: number,
    access: (copy: Buffer, copyOffset: number, from: number, to: number) => Promise<void>,
  ): Promise<void> {
    const { sectorBytes } = this.#device;
    const end = offsetBytes + lengthBytes;
    const turn = this.#bounceFree.then(async () => {
      for (let from = offsetBytes; from < end; ) {
        const copyOffset = from - (from % sectorBytes);
        const copyEnd = Math.min(copyOffset + BOUNCE_BYTES, Math.ceil(end / sectorBytes) * sectorBytes);
        const to = Math.min(end, copyEnd);
        await access(this.#bounce.subarray(0, copyEnd - copyOffset), copyOffset, from, to);
        from = to;
      }
    });
    this.#bounceFree = turn.catch(() => undefined);
    await turn;
  }

  #readWhole(into: Buffer, offsetBytes: number): Promise<void> {
    return this.#whole('read', into, offsetBytes, async (piece, at) => {
      return (await this.#device.handle.read(piece, 0, piece.length, at)).bytesRead;
    });
  }

  #writeWhole(from: Buffer, offsetBytes: number): Promise<void> {
    return this.#whole('write', from, offsetBytes, async (piece, at) => {
      return (await this.#device.handle.write(piece, 0, piece.length, at)).bytesWritten;
    });
  }

  /** A short access is gone on with: the next system call then fails nearer to the place that cannot be accessed. */
  async #whole(action: string, buffer: Buffer, offsetBytes: number, access: Access): Promise<void> {
    const bounded: Access = (piece, at) =>
      withinTime(access(piece, at), ACCESS_TIMEOUT_MS, `${this.path}: ${action} at byte ${at}`);
    for (let done = 0; done < buffer.length; ) {
      const at = offsetBytes + done;
      try {
        const bytes = await bounded(buffer.subarray(done), at);
        if (bytes === 0) throw Object.assign(new Error('the disk ends here'), { code: 'ENOSPC' });
        done += bytes;
      } catch (cause) {
        const failedAt = await this.#place(cause, bounded, buffer.subarray(done), at);
        throw diskError(action, this.path, failedAt, cause);
      }
    }
  }

  /** The sector that a failure is about; a disk that does not answer is not asked again. */
  async #place(cause: unknown, access: Access, buffer: Buffer, offsetBytes: number): Promise<number> {
    if (!MEDIUM_ERRORS.includes((cause as NodeJS.ErrnoException).code ?? '')) return offsetBytes;
    return firstFailingSector(access, buffer, offsetBytes, this.#device.sectorBytes);
  }
}
