import { chunkBytesFor, type ImagePiece, PackWriter } from '@bty/image-format';
import { BtyError } from '@bty/wire-types/errors';
import { blake3 } from '@napi-rs/blake-hash';
import { CompressPool } from './compress-pool.js';
import { ContentDigest } from './content-digest.js';
import { type ImageSource, openImageSource } from './image-source.js';
import { PackFile } from './pack-file.js';
import { PackPipeline } from './pack-pipeline.js';
import type { PreparedImage, PrepareOrder, PrepareProgress } from './prepare-messages.js';

/** Of zstd; docs/adr/0004-chunk-size.md says what the others cost. */
const LEVEL = 2;
/** Batches that a compressing thread may have, so that it never waits for the next. */
const BATCHES_PER_THREAD = 3;
const PROGRESS_INTERVAL_MS = 250;
const SLICE_BYTES = 64 * 1024 * 1024;

type OnProgress = (progress: PrepareProgress) => void;

/** Lets through a few calls a second. */
function throttled(onProgress: OnProgress): OnProgress {
  let next = 0;
  return (progress) => {
    const now = performance.now();
    if (now < next) return;
    next = now + PROGRESS_INTERVAL_MS;
    onProgress(progress);
  };
}

async function writePack(
  source: ImageSource,
  pack: PackFile,
  order: PrepareOrder,
  onProgress: OnProgress,
  goOn: () => void,
): Promise<{ map: Buffer; prepared: Omit<PreparedImage, 'map'> }> {
  const { content } = source;
  const chunkBytes = chunkBytesFor(content.sizeBytes);
  const pool = new CompressPool(order.compressThreads, { chunkBytes, level: LEVEL });
  try {
    const writer = new PackWriter(chunkBytes);
    const batches = order.compressThreads * BATCHES_PER_THREAD;
    const pipeline = new PackPipeline(chunkBytes, batches, pool, writer, pack);
    const digest = new ContentDigest();
    for await (const piece of slices(content.pieces())) {
      goOn();
      digest.add(piece);
      await pipeline.add(piece);
      onProgress({ bytesDone: digest.sizeBytes, bytesTotal: content.sizeBytes });
    }
    await pipeline.end();
    refuseHalfSector(digest.sizeBytes);
    const contentSha256 = digest.sha256();
    const sha256 = source.sha256() ?? contentSha256;
    const { rest, map, facts } = writer.end({ sha256, contentSha256, sectorBytes: digest.sectorBytes });
    pack.append(rest);
    return { map, prepared: { ...facts, chunkBytes } };
  } finally {
    await pool.close();
  }
}

/** Cuts long runs of zeros, which come as one piece, so that nothing takes long between two of them. */
async function* slices(pieces: AsyncIterable<ImagePiece>): AsyncGenerator<ImagePiece> {
  for await (const piece of pieces) {
    if ('bytes' in piece) yield piece;
    else {
      const endBytes = piece.offsetBytes + piece.zeroBytes;
      for (let offsetBytes = piece.offsetBytes; offsetBytes < endBytes; offsetBytes += SLICE_BYTES) {
        yield { offsetBytes, zeroBytes: Math.min(SLICE_BYTES, endBytes - offsetBytes) };
      }
    }
  }
}

function refuseHalfSector(contentBytes: number): void {
  if (contentBytes % 512 === 0) return;
  throw new BtyError(
    'IMAGE_INVALID',
    `the disk has ${contentBytes} bytes, which is no multiple of 512: is it cut off?`,
  );
}

/**
 * Derives the pack and the map of an image, and resolves when both are on the disk. Memory does not grow with the image,
 * apart from the map. Throws what is wrong with the image (IMAGE_INVALID, IMAGE_TRUNCATED, IMAGE_TOO_LONG), STORAGE_FULL,
 * CANCELLED when told to stop, and errors of the operating system.
 */
export async function packImage(order: PrepareOrder, onProgress: OnProgress): Promise<PreparedImage> {
  const stop = new Int32Array(order.stop);
  const goOn = () => {
    if (Atomics.load(stop, 0) !== 0) throw new BtyError('CANCELLED', 'the preparation was stopped');
  };
  const report = throttled(onProgress);
  const source = await openImageSource(order, (bytesDone) => report({ bytesDone, bytesTotal: undefined }), goOn);
  const pack = await PackFile.open(order.packPath, order.roomBytes);
  try {
    const { map, prepared } = await writePack(source, pack, order, report, goOn);
    await pack.sync();
    return { ...prepared, map: await writeMap(map, order, order.roomBytes - pack.sizeBytes) };
  } finally {
    await pack.close();
  }
}

async function writeMap(map: Buffer, order: PrepareOrder, roomBytes: number): Promise<PreparedImage['map']> {
  const file = await PackFile.open(order.mapPath, roomBytes);
  try {
    file.append([map]);
    await file.sync();
  } finally {
    await file.close();
  }
  return { digest: blake3(map).toString('hex'), sizeBytes: map.length };
}
