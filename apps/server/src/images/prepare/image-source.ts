import { createHash } from 'node:crypto';
import {
  HEAD_BYTES,
  type ImageContent,
  openQcow2,
  rawContent,
  readFormat,
  zstdContent,
  zstdContentSize,
} from '@bty/image-format';
import { BtyError } from '@bty/wire-types/errors';
import { FileSource } from './file-source.js';
import type { PrepareOrder } from './prepare-messages.js';

/** An image of any format, opened: what it puts on a disk, whose size is known, and what its file is. */
export interface ImageSource {
  readonly content: ImageContent & { readonly sizeBytes: number };
  /** SHA-256 of the file in hex, when all pieces have been read; undefined where it is that of the content. */
  readonly sha256: () => string | undefined;
}

/** Opens an image for one reading. Throws as the readers of `@bty/image-format` do, IMAGE_INVALID when name and bytes disagree. */
export async function openImageSource(
  order: PrepareOrder,
  onCount: (bytes: number) => void,
  goOn: () => void,
): Promise<ImageSource> {
  const source = new FileSource(order.descriptor, order.sizeBytes, goOn);
  const reading = readFormat(order.name, await source.read(0, Math.min(HEAD_BYTES, order.sizeBytes)));
  if (reading.kind === 'refused') throw new BtyError('IMAGE_INVALID', reading.reason);
  const maxBytes = order.maxContentBytes;
  switch (reading.format) {
    case 'img': {
      const { sizeBytes } = source;
      return {
        content: { ...rawContent(source.stream(), { maxBytes, sizeBytes }), sizeBytes },
        sha256: () => undefined,
      };
    }
    case 'img.zst': {
      const sizeBytes = (await zstdContentSize(source)) ?? (await countedSize(source, maxBytes, onCount));
      const hash = createHash('sha256');
      const content = zstdContent(source.hashedStream(hash), { maxBytes, sizeBytes });
      return { content: { ...content, sizeBytes }, sha256: () => hash.digest('hex') };
    }
    case 'qcow2':
      return { content: await openQcow2(source, { maxBytes }), sha256: () => source.sha256() };
  }
}

/**
 * The size of a disk that only the end of its stream tells. The chunk size follows from the disk's size, so it has to be
 * known before the first chunk is cut; decoding alone takes a third of the whole work.
 */
async function countedSize(source: FileSource, maxBytes: number, onCount: (bytes: number) => void): Promise<number> {
  let bytes = 0;
  for await (const piece of zstdContent(source.stream(), { maxBytes }).pieces()) {
    bytes += 'bytes' in piece ? piece.bytes.length : piece.zeroBytes;
    onCount(bytes);
  }
  return bytes;
}
