import type { ByteRange } from '@bty/image-format';
import { BtyError } from '@bty/wire-types';

const LBA_BYTES = 512;

/** The failure of a read-back: names the place of what differs; LBA in units of 512 bytes. */
export function verifyMismatch(path: string, { offsetBytes, lengthBytes }: ByteRange): BtyError {
  const lba = Math.floor(offsetBytes / LBA_BYTES);
  const place = `within the ${lengthBytes} bytes from byte ${offsetBytes} (LBA ${lba})`;
  return new BtyError('VERIFY_MISMATCH', `${path} does not give back what was written, ${place}`, {
    details: { path, offset_bytes: offsetBytes, length_bytes: lengthBytes, lba },
  });
}

/** Says of a failure after the first write that the disk is neither old nor new. */
export function partlyWritten(error: BtyError, path: string): BtyError {
  return new BtyError(error.code, `${error.message}. Partial write: ${path} does not boot`, {
    details: { ...error.details, partial_write: true },
    cause: error,
  });
}
