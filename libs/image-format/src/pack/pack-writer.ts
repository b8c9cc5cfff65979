import { MapBuilder, type MapFacts } from '../map/map-builder.js';
import { PackDigest } from './pack-digest.js';
import { SeekTable } from './seek-table.js';
import { MAX_ZERO_FRAME_BYTES, zeroFrame } from './zero-frame.js';

/**
 * Lays out the pack of an image, and the map that goes with it. Chunks are given in the order of the disk, all of
 * `chunkBytes` but the last; the bytes to append to the pack come back. It compresses nothing itself.
 */
export class PackWriter {
  private readonly map: MapBuilder;
  private readonly seekTable = new SeekTable();
  private readonly digest = new PackDigest();
  private packBytes = 0;
  private contentBytes = 0;
  private pendingZeroBytes = 0;

  /** Throws RangeError when chunks cannot have this size. */
  constructor(private readonly chunkBytes: number) {
    this.map = new MapBuilder(chunkBytes);
  }

  /** A chunk of data: its length on the disk, its BLAKE3-256, and its frame. */
  data(lengthBytes: number, digest: Uint8Array, frame: Uint8Array): Uint8Array[] {
    const parts = [...this.flushZeros(), frame];
    this.map.data(digest, this.packBytes, frame.length);
    this.append(frame, lengthBytes);
    return parts;
  }

  /** Zeros: a whole number of chunks, unless the disk ends with them. */
  zeros(lengthBytes: number): void {
    this.map.zeros(Math.ceil(lengthBytes / this.chunkBytes));
    this.pendingZeroBytes += lengthBytes;
  }

  /** The end of the pack, and then the map. */
  end(facts: Pick<MapFacts, 'sha256' | 'contentSha256' | 'sectorBytes'>): {
    rest: Uint8Array[];
    map: Buffer;
    facts: MapFacts;
  } {
    const rest = [...this.flushZeros(), this.seekTable.encode()];
    const table = rest.at(-1) as Uint8Array;
    this.digest.update(table);
    const pack = { digest: this.digest.digest(), sizeBytes: this.packBytes + table.length };
    const all = { ...facts, contentBytes: this.contentBytes, pack };
    return { rest, map: this.map.encode(all), facts: all };
  }

  private flushZeros(): Buffer[] {
    const frames: Buffer[] = [];
    while (this.pendingZeroBytes > 0) {
      const lengthBytes = Math.min(this.pendingZeroBytes, MAX_ZERO_FRAME_BYTES);
      const frame = zeroFrame(lengthBytes);
      this.append(frame, lengthBytes);
      frames.push(frame);
      this.pendingZeroBytes -= lengthBytes;
    }
    return frames;
  }

  private append(frame: Uint8Array, lengthBytes: number): void {
    this.seekTable.add(frame.length, lengthBytes);
    this.digest.update(frame);
    this.packBytes += frame.length;
    this.contentBytes += lengthBytes;
  }
}
