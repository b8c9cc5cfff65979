import { BtyError } from '@bty/wire-types/errors';

/**
 * Bytes that can be read at any place: a file, or a blob behind HTTP Range.
 *
 * `read` gives exactly `lengthBytes` bytes, fewer only where the source has fewer than it said, and throws on a failure and
 * on abort. `into` lends it at least that much memory to put them in, which spares the kernel fresh pages for every read
 * (half of the time of a copy from page cache); a source may as well give memory that the caller may then keep. It may
 * read ahead: the readers of this library ask for small tables and large runs in mostly ascending order, with a few
 * reads in flight at once.
 */
export interface RandomAccess {
  readonly sizeBytes: number;
  read(offsetBytes: number, lengthBytes: number, signal?: AbortSignal, into?: Uint8Array): Promise<Uint8Array>;
}

/** Reads a part that lies inside the stated size; throws IMAGE_TRUNCATED when it does not, or when the source gives less. */
export async function readExactly(
  source: RandomAccess,
  what: string,
  offsetBytes: number,
  lengthBytes: number,
  signal?: AbortSignal,
  into?: Uint8Array,
): Promise<Buffer> {
  const missing = (have: number) =>
    new BtyError(
      'IMAGE_TRUNCATED',
      `${what}: needs bytes ${offsetBytes} to ${offsetBytes + lengthBytes}, the image file ends at ${have}`,
      { details: { offsetBytes, lengthBytes, fileSizeBytes: source.sizeBytes } },
    );
  if (!(offsetBytes + lengthBytes <= source.sizeBytes)) throw missing(source.sizeBytes);
  signal?.throwIfAborted();
  const bytes = await source.read(offsetBytes, lengthBytes, signal, into);
  if (bytes.length !== lengthBytes) throw missing(offsetBytes + bytes.length);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
