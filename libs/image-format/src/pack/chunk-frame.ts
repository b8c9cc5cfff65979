import { BtyError } from '@bty/wire-types/errors';
import binding from 'zstd-napi/binding.js';

/** Compresses chunks of a disk to frames of a pack, each with content size and checksum. Reuses its context. */
export class ChunkEncoder {
  private readonly context = new binding.CCtx();

  constructor(level: number) {
    this.context.setParameter(binding.CParameter.compressionLevel, level);
    this.context.setParameter(binding.CParameter.checksumFlag, 1);
  }

  /** Bytes that a frame of a chunk takes at most. */
  static boundBytes(chunkBytes: number): number {
    return binding.compressBound(chunkBytes);
  }

  /** Writes the frame to the start of `into`, which has room for `boundBytes`; gives the frame's length in bytes. */
  encode(chunk: Uint8Array, into: Uint8Array): number {
    return this.context.compress2(into, chunk);
  }
}

// ZSTD_d_forceIgnoreChecksum (zstd.h, 1.5.7), which the binding does not name.
const FORCE_IGNORE_CHECKSUM = 1002;

/** Decompresses frames of a pack. Reuses its context. */
export class ChunkDecoder {
  private readonly context = new binding.DCtx();

  /** `ignoreChecksum`: for who checks the digest of what comes out; a frame's own checksum takes a tenth of the time. */
  constructor({ ignoreChecksum = false } = {}) {
    if (ignoreChecksum) this.context.setParameter(FORCE_IGNORE_CHECKSUM as binding.DParameter, 1);
  }

  /**
   * Decompresses a frame into memory of exactly the chunk's size. Throws IMAGE_INVALID when the frame is damaged, or gives
   * more or less than that.
   */
  decode(frame: Uint8Array, into: Uint8Array): void {
    let length: number;
    try {
      length = this.context.decompress(into, frame);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new BtyError('IMAGE_INVALID', `a frame of the pack is damaged: ${message}`, { cause });
    }
    if (length === into.length) return;
    throw new BtyError('IMAGE_INVALID', `a frame of the pack holds ${length} bytes, its chunk ${into.length}`);
  }
}
