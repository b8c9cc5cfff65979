import { read, write } from 'node:fs';
import type { ByteRange } from '@bty/image-format';
import { BtyError } from '@bty/wire-types';
import { AccessWatch } from './access-watch.js';
import { allocateAligned, isAligned } from './aligned-memory.js';
import type { DiskAccess } from './block-target.js';
import { diskError } from './disk-error.js';
import { fallocate } from './fallocate.js';
import { firstFailingSector } from './first-failing-sector.js';
import { OneAtATime } from './one-at-a-time.js';
import { withinTime } from './within-time.js';
import { Zeroing } from './zeroing.js';

/** An open device or regular file; every thread of the process can use the descriptor. */
export interface OpenDevice {
  readonly fd: number;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sectorBytes: number;
  /** Opened with O_DIRECT. */
  readonly direct: boolean;
  /** Its heads move: it is fastest when it is read and written in order. */
  readonly rotational: boolean;
}

const BOUNCE_BYTES = 1024 * 1024;
const ACCESS_TIMEOUT_MS = 120_000;

// How the kernel reports what a disk could not read or write (block/blk-core.c): critical medium errors are ENODATA, and a
// thinly provisioned disk without room says ENOSPC.
const SECTOR_ERRORS = ['EIO', 'ENODATA', 'EILSEQ', 'EREMOTEIO', 'ENOSPC'];

type Call = (
  ...args: [
    fd: number,
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null, bytes: number) => void,
  ]
) => void;

const CALLS: Record<'read' | 'write', Call> = { read, write };

/** A block device or regular file. Whole aligned accesses go straight to it, all others through an aligned copy. */
export class DeviceAccess implements DiskAccess {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sectorBytes: number;
  readonly direct: boolean;
  readonly #fd: number;
  readonly #watch: AccessWatch;
  readonly #zeroing: Zeroing;
  #bounce: Buffer | undefined;
  readonly #bouncing = new OneAtATime();

  constructor({ fd, path, sizeBytes, sectorBytes, direct }: OpenDevice) {
    this.path = path;
    this.sizeBytes = sizeBytes;
    this.sectorBytes = sectorBytes;
    this.direct = direct;
    this.#fd = fd;
    this.#watch = new AccessWatch(path, ACCESS_TIMEOUT_MS);
    this.#zeroing = new Zeroing({
      sectorBytes,
      fallocate: (mode, range) =>
        withinTime(
          fallocate(fd, mode, range.offsetBytes, range.lengthBytes),
          ACCESS_TIMEOUT_MS,
          `${path}: zeroing at byte ${range.offsetBytes}`,
        ),
      read: (into, offsetBytes) => this.read(into, offsetBytes),
      write: (from, offsetBytes) => this.write(from, offsetBytes),
    });
  }

  async read(into: Buffer, offsetBytes: number): Promise<void> {
    if (this.#fits(into, offsetBytes)) return this.#whole('read', into, offsetBytes);
    await this.#bounced(offsetBytes, into.length, async (copy, copyOffset, from, to) => {
      await this.#whole('read', copy, copyOffset);
      copy.copy(into, from - offsetBytes, from - copyOffset, to - copyOffset);
    });
  }

  async write(from: Buffer, offsetBytes: number): Promise<void> {
    if (this.#fits(from, offsetBytes)) return this.#whole('write', from, offsetBytes);
    await this.#bounced(offsetBytes, from.length, async (copy, copyOffset, start, end) => {
      // The rest of a partly written sector must stay what it is.
      if (end - start < copy.length) await this.#whole('read', copy, copyOffset);
      from.copy(copy, start - copyOffset, start - offsetBytes, end - offsetBytes);
      await this.#whole('write', copy, copyOffset);
    });
  }

  zero(range: ByteRange): Promise<void> {
    return this.#zeroing.zero(range);
  }

  #fits(buffer: Buffer, offsetBytes: number): boolean {
    const { direct, sectorBytes } = this;
    return !direct || (isAligned(buffer) && offsetBytes % sectorBytes === 0 && buffer.length % sectorBytes === 0);
  }

  /** Splits a range into pieces of whole sectors that fit the aligned copy; one at a time, since there is one copy. */
  async #bounced(
    offsetBytes: number,
    lengthBytes: number,
    access: (copy: Buffer, copyOffset: number, from: number, to: number) => Promise<void>,
  ): Promise<void> {
    const { sectorBytes } = this;
    const end = offsetBytes + lengthBytes;
    await this.#bouncing.run(async () => {
      this.#bounce ??= allocateAligned(BOUNCE_BYTES);
      for (let from = offsetBytes; from < end; ) {
        const copyOffset = from - (from % sectorBytes);
        const copyEnd = Math.min(copyOffset + BOUNCE_BYTES, Math.ceil(end / sectorBytes) * sectorBytes);
        const to = Math.min(end, copyEnd);
        await access(this.#bounce.subarray(0, copyEnd - copyOffset), copyOffset, from, to);
        from = to;
      }
    });
  }

  /** A short access is gone on with: the next system call then fails nearer to the place that cannot be accessed. */
  async #whole(action: 'read' | 'write', buffer: Buffer, offsetBytes: number): Promise<void> {
    for (let done = 0; done < buffer.length; ) {
      const at = offsetBytes + done;
      try {
        const bytes = await this.#some(action, buffer.subarray(done), at);
        if (bytes === 0) throw Object.assign(new Error('the disk ends here'), { code: 'ENOSPC' });
        done += bytes;
      } catch (cause) {
        if (cause instanceof BtyError) throw cause;
        const failedAt = await this.#place(cause, action, buffer.subarray(done), at);
        throw diskError(action, this.path, failedAt, cause);
      }
    }
  }

  /** One system call, in time. */
  #some(action: 'read' | 'write', buffer: Buffer, offsetBytes: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const pending = this.#watch.begin(action, offsetBytes, reject);
      CALLS[action](this.#fd, buffer, 0, buffer.length, offsetBytes, (error, bytes) => {
        this.#watch.end(pending);
        if (error === null) resolve(bytes);
        else reject(error);
      });
    });
  }

  /** The sector that a failure is about; a disk that does not answer is not asked again. */
  async #place(cause: unknown, action: 'read' | 'write', buffer: Buffer, offsetBytes: number): Promise<number> {
    if (!SECTOR_ERRORS.includes((cause as NodeJS.ErrnoException).code ?? '')) return offsetBytes;
    const access = (piece: Buffer, at: number): Promise<number> => this.#some(action, piece, at);
    return firstFailingSector(access, buffer, offsetBytes, this.sectorBytes);
  }
}
