import { type ContentLimits, ContentMeter, type ImageContent, type ImagePiece } from '../image-content.js';
import { type RandomAccess, readExactly } from '../random-access.js';
import { HEADER_BYTES, type Qcow2Header, qcow2Invalid, readQcow2Header } from './header.js';
import { qcow2Pieces } from './pieces.js';
import { RunWalk } from './runs.js';

/** A stretch of the disk that reads as zeros, or that holds data, compressed or not. */
export interface Qcow2Extent {
  offsetBytes: number;
  lengthBytes: number;
  kind: 'zero' | 'data';
}

/** An open qcow2 file. Sizes in bytes; `sizeBytes` is `virtualSizeBytes` by the name that every format has. */
export interface Qcow2Image extends ImageContent {
  readonly sizeBytes: number;
  readonly virtualSizeBytes: number;
  readonly clusterBytes: number;
  /** Tiles the disk with extents of alternating kind, by its tables alone. */
  extents(signal?: AbortSignal): AsyncIterable<Qcow2Extent>;
}

async function* extentsOf(
  source: RandomAccess,
  header: Qcow2Header,
  signal?: AbortSignal,
): AsyncGenerator<Qcow2Extent> {
  let current: Qcow2Extent | undefined;
  for await (const run of new RunWalk(source, header, signal).runs()) {
    const kind = run.kind === 'zero' ? 'zero' : 'data';
    if (current?.kind === kind) {
      current.lengthBytes += run.lengthBytes;
      continue;
    }
    if (current) yield current;
    current = { offsetBytes: run.offsetBytes, lengthBytes: run.lengthBytes, kind };
  }
  if (current) yield current;
}

/**
 * Opens a qcow2 file (QEMU docs/interop/qcow2.rst) for reading: versions 2 and 3, clusters of 512 bytes to 2 MiB, plain,
 * zlib and zstd clusters, zero clusters, extended L2 entries; what is allocated nowhere reads as zeros.
 *
 * Throws BtyError as `readQcow2Header` says, IMAGE_TOO_LONG when the virtual size passes `maxBytes`, IMAGE_INVALID when it
 * is not `sizeBytes`. Tables are judged as they are walked: reserved bits, misaligned or overlapping places and damaged
 * compressed clusters are IMAGE_INVALID, places beyond the end of the file IMAGE_TRUNCATED. Nothing outside the file is
 * ever opened. Memory: 64 KiB of the L1 table, one L2 table, and 8 MiB of data read ahead, whatever the image's size.
 */
export async function openQcow2(
  source: RandomAccess,
  limits: ContentLimits,
  signal?: AbortSignal,
): Promise<Qcow2Image> {
  const headBytes = Math.min(HEADER_BYTES, source.sizeBytes);
  const head = headBytes > 0 ? await readExactly(source, 'qcow2 header', 0, headBytes, signal) : Buffer.alloc(0);
  const header = readQcow2Header(head, source.sizeBytes);
  const { virtualSizeBytes, clusterBytes } = header;
  new ContentMeter({ maxBytes: limits.maxBytes }).foresee(virtualSizeBytes, 'the virtual size of the qcow2 header');
  if (limits.sizeBytes !== undefined && limits.sizeBytes !== virtualSizeBytes) {
    throw qcow2Invalid('size', virtualSizeBytes, `the stated size is ${limits.sizeBytes}`);
  }
  return {
    sizeBytes: virtualSizeBytes,
    virtualSizeBytes,
    clusterBytes,
    extents: (walkSignal) => extentsOf(source, header, walkSignal),
    pieces: (readSignal): AsyncIterable<ImagePiece> => qcow2Pieces(source, header, readSignal),
  };
}
