import {
  type ByteStream,
  type ContentLimits,
  ContentMeter,
  type ImageContent,
  type ImagePiece,
} from './image-content.js';

/**
 * The content of a raw image (`.img`): its bytes as they come, checked against the limits. Throws IMAGE_TOO_LONG when the
 * stated size is more than there is room for.
 */
export function rawContent(open: ByteStream, limits: ContentLimits): ImageContent {
  new ContentMeter(limits);
  async function* pieces(signal?: AbortSignal): AsyncGenerator<ImagePiece> {
    const meter = new ContentMeter(limits);
    for await (const bytes of open(signal)) {
      signal?.throwIfAborted();
      if (bytes.length > 0) yield { offsetBytes: meter.add(bytes.length, 'raw image'), bytes };
    }
    signal?.throwIfAborted();
    meter.end('raw image');
  }
  return { ...(limits.sizeBytes === undefined ? {} : { sizeBytes: limits.sizeBytes }), pieces };
}
