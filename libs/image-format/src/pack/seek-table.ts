/** Bytes that a seek table takes beside its entries: the header of its skippable frame, and its footer. */
const HEADER_BYTES = 8;
const FOOTER_BYTES = 9;
const ENTRY_BYTES = 8;
const SKIPPABLE_MAGIC = 0x184d2a5e;
const SEEKABLE_MAGIC = 0x8f92eab1;
/** The format's own bound (ZSTD_SEEKABLE_MAXFRAMES). */
const MAX_FRAMES = 0x8000000;

/**
 * Collects the sizes of a pack's frames, and writes the seek table that makes it seekable: zstd's
 * contrib/seekable_format/zstd_seekable_compression_format.md, version 0.1.0, without checksums (every frame of data has
 * its own). Sizes in bytes, below 2^32.
 */
export class SeekTable {
  private sizes = new Uint32Array(1024);
  private count = 0;

  /** Throws RangeError beyond 2^27 frames. */
  add(compressedBytes: number, contentBytes: number): void {
    if (this.count === MAX_FRAMES) throw new RangeError(`a pack has at most ${MAX_FRAMES} frames`);
    if (this.count * 2 === this.sizes.length) {
      const larger = new Uint32Array(this.sizes.length * 2);
      larger.set(this.sizes);
      this.sizes = larger;
    }
    this.sizes[this.count * 2] = compressedBytes;
    this.sizes[this.count * 2 + 1] = contentBytes;
    this.count += 1;
  }

  encode(): Buffer {
    const entriesBytes = this.count * ENTRY_BYTES;
    const table = Buffer.alloc(HEADER_BYTES + entriesBytes + FOOTER_BYTES);
    table.writeUInt32LE(SKIPPABLE_MAGIC, 0);
    table.writeUInt32LE(entriesBytes + FOOTER_BYTES, 4);
    for (let field = 0; field < this.count * 2; field += 1) {
      table.writeUInt32LE(this.sizes[field] as number, HEADER_BYTES + field * 4);
    }
    table.writeUInt32LE(this.count, HEADER_BYTES + entriesBytes);
    // the descriptor before the last magic stays 0: no checksums
    table.writeUInt32LE(SEEKABLE_MAGIC, HEADER_BYTES + entriesBytes + 5);
    return table;
  }
}
