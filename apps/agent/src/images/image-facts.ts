import { formatOfName, type ImageContent, MARGIN_BYTES, readPartitions, readPrimaryGpt } from '@bty/image-format';
import type { ImageFormat } from '@bty/wire-types';
import { loadChunks } from '../engine/content-loader.js';
import type { OpenImage } from '../source/open-image.js';
import { RangedSource } from '../source/ranged-source.js';

/** A partition that an image brings. */
interface ImagePartition {
  number: number;
  offset_bytes: number;
  size_bytes: number;
  name?: string;
}

/** What is known of an image without reading all of it. Absent is what only the whole image would tell. */
export interface ImageFacts {
  /** The path or URL that was given. */
  source: string;
  name: string;
  format: ImageFormat | undefined;
  /** Of the file. */
  size_bytes: number;
  /** Of the disk that it holds. */
  content_size_bytes?: number;
  /** Whether a server has a map of it, so that only what differs is fetched. */
  mapped: boolean;
  sha256?: string;
  content_sha256?: string;
  /** The logical sector size that its partition table was made for. */
  sector_bytes?: number;
  table: 'gpt' | 'mbr' | 'none';
  partitions: ImagePartition[];
}

/** The first bytes of the disk that an image holds, MARGIN_BYTES or all that there are. */
async function headOfContent(content: ImageContent, signal: AbortSignal): Promise<Buffer> {
  const head = Buffer.alloc(Math.min(MARGIN_BYTES, content.sizeBytes ?? MARGIN_BYTES));
  for await (const piece of content.pieces(signal)) {
    if ('bytes' in piece) Buffer.from(piece.bytes).copy(head, piece.offsetBytes);
    const length = 'bytes' in piece ? piece.bytes.length : piece.zeroBytes;
    if (piece.offsetBytes + length >= head.length) break;
  }
  return head;
}

async function headOf(image: OpenImage, onRetry: (reason: string) => void, signal: AbortSignal): Promise<Buffer> {
  if (image.kind === 'content') return headOfContent(await image.content(Number.MAX_SAFE_INTEGER, signal), signal);
  const { pack, authorization } = image;
  const { map } = image.fetched;
  const frames = new RangedSource(pack, { authorization, onRetry });
  try {
    const end = Math.min(Math.ceil(MARGIN_BYTES / map.chunkBytes), map.chunkCount);
    return (await loadChunks(map, { first: 0, end }, frames, onRetry, signal)).bytes;
  } finally {
    frames.close();
  }
}

/** What is known of an open image, from its first MiB and, behind a map, from that. Throws as reading it does. */
export async function imageFacts(
  image: OpenImage,
  source: string,
  onRetry: (reason: string) => void,
  signal: AbortSignal,
): Promise<ImageFacts> {
  const head = await headOf(image, onRetry, signal);
  const reading = readPrimaryGpt(head);
  const map = image.kind === 'packed' ? image.fetched.map : undefined;
  const contentBytes = image.kind === 'packed' ? image.fetched.map.contentBytes : image.contentBytes;
  const sectorBytes = map?.sectorBytes ?? (reading.kind === 'valid' ? reading.gpt.sectorBytes : undefined);
  const partitions = readPartitions(head, sectorBytes).map(({ number, offsetBytes, lengthBytes, name }) => ({
    number,
    offset_bytes: offsetBytes,
    size_bytes: lengthBytes,
    ...(name === undefined ? {} : { name }),
  }));
  return {
    source,
    name: image.name,
    format: image.kind === 'content' ? image.format : formatOfName(image.name),
    size_bytes: image.sizeBytes,
    ...(contentBytes === undefined ? {} : { content_size_bytes: contentBytes }),
    mapped: map !== undefined,
    ...(map === undefined ? {} : { sha256: map.sha256, content_sha256: map.contentSha256 }),
    ...(sectorBytes === undefined ? {} : { sector_bytes: sectorBytes }),
    table: reading.kind === 'valid' ? 'gpt' : partitions.length > 0 ? 'mbr' : 'none',
    partitions,
  };
}
