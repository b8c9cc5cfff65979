import { BtyError, type ErrorCode } from '@bty/wire-types/errors';
import binding from 'zstd-napi/binding.js';
import type { ContentMeter, ImagePiece } from '../image-content.js';
import { type FrameHeader, readFrameHeader } from './frame-header.js';

/** Bytes of a piece; large enough that the hand-over costs nothing beside the decompression. */
const PIECE_BYTES = 1024 * 1024;
const EMPTY = Buffer.alloc(0);

/**
 * Decodes the frames of a `.zst` file, fed in chunks of any size (RFC 8878). Holds one piece, the window of the frame and
 * a header's worth of input, whatever the size of the image.
 */
export class ZstdFrames {
  private readonly decoder = new binding.DCtx();
  private readonly piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  private filledBytes = 0;
  private readBytes = 0;
  private frameAtBytes = 0;
  private skipBytes = 0;
  private inFrame = false;
  private partialHeader: Buffer = EMPTY;

  constructor(
    private readonly meter: ContentMeter,
    private readonly maxWindowBytes: number,
  ) {
    // libzstd knows powers of two only; the exact bound is checked on each header
    this.decoder.setParameter(
      binding.DParameter.windowLogMax,
      Math.min(Math.max(Math.ceil(Math.log2(maxWindowBytes)), 10), 31),
    );
  }

  /** Gives the pieces that are full after this chunk. */
  *feed(chunk: Uint8Array): Generator<ImagePiece> {
    let input: Buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (this.partialHeader.length > 0) input = Buffer.concat([this.partialHeader, input]);
    this.partialHeader = EMPTY;
    let more = false;
    while (input.length > 0 || more) {
      if (this.inFrame) {
        const consumed = this.decode(input);
        more = this.filledBytes === PIECE_BYTES && this.inFrame;
        input = this.advance(input, consumed);
        if (this.filledBytes === PIECE_BYTES) yield this.take();
      } else if (this.skipBytes > 0) {
        const skipped = Math.min(this.skipBytes, input.length);
        this.skipBytes -= skipped;
        input = this.advance(input, skipped);
      } else {
        const header = readFrameHeader(input);
        if (header.kind === 'incomplete') {
          // a copy: the chunk belongs to its source again after this call
          this.partialHeader = Buffer.from(input);
          return;
        }
        input = this.advance(input, this.begin(header));
      }
    }
  }

  /** Gives the last piece; throws IMAGE_TRUNCATED when the file ended inside a frame. */
  *end(): Generator<ImagePiece> {
    if (this.inFrame || this.skipBytes > 0 || this.partialHeader.length > 0) {
      this.readBytes += this.partialHeader.length;
      throw this.fault(
        'IMAGE_TRUNCATED',
        `the zstd file ended inside the frame that starts at byte ${this.frameAtBytes}`,
      );
    }
    this.meter.end(this.where());
    if (this.filledBytes > 0) yield this.take();
  }

  private advance(input: Buffer, bytes: number): Buffer {
    this.readBytes += bytes;
    return input.subarray(bytes);
  }

  private take(): ImagePiece {
    const bytes = this.piece.subarray(0, this.filledBytes);
    this.filledBytes = 0;
    return { offsetBytes: this.meter.offsetBytes - bytes.length, bytes };
  }

  /** Judges the header of the frame at the present place; gives the bytes to step over before the decoder takes over. */
  private begin(header: Exclude<FrameHeader, { kind: 'incomplete' }>): number {
    this.frameAtBytes = this.readBytes;
    if (header.kind === 'invalid') {
      const reason = this.readBytes > 0 ? `after the last frame come other bytes, or a damaged frame` : header.reason;
      throw this.fault('IMAGE_INVALID', `not a zstd frame: ${reason}`);
    }
    if (header.kind === 'skippable') {
      this.skipBytes = header.payloadBytes;
      return header.headerBytes;
    }
    if (header.dictionaryId !== 0) {
      throw this.fault('IMAGE_INVALID', `the frame needs dictionary ${header.dictionaryId}, which no image has`);
    }
    if (header.windowBytes > this.maxWindowBytes) {
      throw this.fault(
        'IMAGE_INVALID',
        `the frame needs a window of ${header.windowBytes} bytes, at most ${this.maxWindowBytes} are granted`,
      );
    }
    this.meter.foresee(header.contentBytes ?? 0, `declared by the frame at byte ${this.frameAtBytes}`);
    this.inFrame = true;
    return 0;
  }

  /** Decodes into the rest of the piece; gives the count of consumed bytes. */
  private decode(input: Buffer): number {
    try {
      const [hint, produced, consumed] = this.decoder.decompressStream(this.piece.subarray(this.filledBytes), input);
      this.meter.add(produced, this.where());
      this.filledBytes += produced;
      this.inFrame = hint !== 0;
      return consumed;
    } catch (thrown) {
      if (thrown instanceof BtyError) throw thrown;
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      throw this.fault(
        'IMAGE_INVALID',
        `damaged zstd frame, starting at byte ${this.frameAtBytes}: ${message}`,
        thrown,
      );
    }
  }

  private where(): string {
    return `at byte ${this.readBytes} of the zstd file`;
  }

  private fault(code: ErrorCode, message: string, cause?: unknown): BtyError {
    const rawOffsetBytes = this.meter.offsetBytes;
    return new BtyError(code, `${message} (${this.where()}, after ${rawOffsetBytes} bytes of the image)`, {
      details: { fileOffsetBytes: this.readBytes, frameOffsetBytes: this.frameAtBytes, rawOffsetBytes },
      ...(cause === undefined ? {} : { cause }),
    });
  }
}
