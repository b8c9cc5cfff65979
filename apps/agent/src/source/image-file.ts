import { read } from 'node:fs';
import { open } from 'node:fs/promises';
import type { RandomAccess } from '@bty/image-format';
import { BtyError } from '@bty/wire-types';

/** An open image file. */
export interface ImageFile extends RandomAccess {
  close(): Promise<void>;
}

function bufferOver(memory: Uint8Array, lengthBytes: number): Buffer {
  return Buffer.from(memory.buffer, memory.byteOffset, lengthBytes);
}

/** Reads until the memory is full or the file ends; gives what was read. */
async function readWhole(fd: number, memory: Buffer, offsetBytes: number, path: string): Promise<Buffer> {
  let filled = 0;
  while (filled < memory.length) {
    const bytes = await new Promise<number>((resolve, reject) => {
      read(fd, memory, filled, memory.length - filled, offsetBytes + filled, (cause, count) => {
        if (cause === null) return resolve(count);
        const details = { path, errno: cause.code, offset_bytes: offsetBytes + filled };
        const message = `${path}: reading failed at byte ${offsetBytes + filled}: ${cause.code}`;
        reject(new BtyError('IMAGE_UNAVAILABLE', message, { cause, details }));
      });
    });
    if (bytes === 0) break;
    filled += bytes;
  }
  return memory.subarray(0, filled);
}

/** Opens a regular file for reading. Throws `NOT_FOUND` when it is not there, `INVALID_REQUEST` when it is none. */
export async function openImageFile(path: string): Promise<ImageFile> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(path, 'r');
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    const details = { path, errno };
    if (errno === 'ENOENT') throw new BtyError('NOT_FOUND', `there is no image ${path}`, { cause, details });
    throw new BtyError('IMAGE_UNAVAILABLE', `the image ${path} cannot be opened: ${errno}`, { cause, details });
  }
  const stat = await handle.stat();
  if (!stat.isFile()) {
    await handle.close();
    throw new BtyError('INVALID_REQUEST', `${path} is not a regular file`, { details: { path } });
  }
  return {
    sizeBytes: stat.size,
    read: (offsetBytes, lengthBytes, signal, into) => {
      signal?.throwIfAborted();
      const memory = into === undefined ? Buffer.allocUnsafeSlow(lengthBytes) : bufferOver(into, lengthBytes);
      return readWhole(handle.fd, memory, offsetBytes, path);
    },
    close: () => handle.close(),
  };
}
