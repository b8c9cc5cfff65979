import { BtyError } from '@bty/wire-types';

const LBA_BYTES = 512;

/** Names the place of a failed access: LBA in units of 512 bytes, as kernel messages count, the offset, the errno. */
export function diskError(action: string, path: string, offsetBytes: number, cause: unknown): BtyError {
  if (cause instanceof BtyError) return cause;
  const errno = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  const lba = Math.floor(offsetBytes / LBA_BYTES);
  return new BtyError('DISK_IO', `${path}: ${action} failed at LBA ${lba} (byte ${offsetBytes}): ${errno}`, {
    details: { errno, lba, offset_bytes: offsetBytes, path, action },
    cause,
  });
}
