/** The most zeros that one frame holds, in bytes: 4 KiB of frame. */
export const MAX_ZERO_FRAME_BYTES = 128 * 1024 * 1024;

const BLOCK_BYTES = 128 * 1024;
const BLOCK_ENTRY_BYTES = 4;
// magic; content size of 4 bytes, no checksum; window of 128 KiB: what a decoder needs does not grow with the run
const HEADER = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x80, 0x38]);
const RLE = 1 << 1;

/**
 * A zstd frame (RFC 8878) that decompresses to zeros: RLE blocks of up to 128 KiB, written by hand, for compressing
 * gigabytes of zeros takes seconds. Throws RangeError for 0 and for more than MAX_ZERO_FRAME_BYTES.
 */
export function zeroFrame(lengthBytes: number): Buffer {
  if (!(lengthBytes > 0 && lengthBytes <= MAX_ZERO_FRAME_BYTES))
    throw new RangeError(`no frame of ${lengthBytes} zeros`);
  const blocks = Math.ceil(lengthBytes / BLOCK_BYTES);
  const frame = Buffer.alloc(HEADER.length + 4 + blocks * BLOCK_ENTRY_BYTES);
  HEADER.copy(frame);
  frame.writeUInt32LE(lengthBytes, HEADER.length);
  for (let block = 0; block < blocks; block += 1) {
    const bytes = Math.min(BLOCK_BYTES, lengthBytes - block * BLOCK_BYTES);
    const last = block === blocks - 1 ? 1 : 0;
    // 3 bytes of block header, and the byte that is repeated: 0
    frame.writeUInt32LE((bytes << 3) | RLE | last, HEADER.length + 4 + block * BLOCK_ENTRY_BYTES);
  }
  return frame;
}
