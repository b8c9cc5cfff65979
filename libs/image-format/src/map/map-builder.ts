import {
  DIGEST_BYTES,
  FRAME_LENGTH_BYTES,
  isChunkSize,
  MAP_FIELDS,
  MAP_HEADER_BYTES,
  MAP_MAGIC,
  MAP_VERSION,
  RUN_BYTES,
  RUN_FIELDS,
} from './map-layout.js';

/** What a map says about its image as a whole; digests in hex, sizes in bytes. */
export interface MapFacts {
  readonly contentBytes: number;
  readonly sha256: string;
  readonly contentSha256: string;
  readonly sectorBytes: number | undefined;
  readonly pack: { readonly digest: string; readonly sizeBytes: number };
}

interface Run {
  readonly firstChunk: number;
  chunkCount: number;
  readonly packOffset: number;
}

/** Memory that doubles when it is full. */
class GrowingBytes {
  private memory = Buffer.allocUnsafeSlow(4096);
  private length = 0;

  /** Room for that many bytes at the end. */
  extend(bytes: number): Buffer {
    if (this.length + bytes > this.memory.length) {
      const larger = Buffer.allocUnsafeSlow(this.memory.length * 2);
      this.memory.copy(larger, 0, 0, this.length);
      this.memory = larger;
    }
    this.length += bytes;
    return this.memory.subarray(this.length - bytes, this.length);
  }

  get bytes(): Buffer {
    return this.memory.subarray(0, this.length);
  }
}

/** Collects what is known of each chunk, in the order of the disk, and writes the map (docs/image-format.md). */
export class MapBuilder {
  private readonly runs: Run[] = [];
  private readonly digests = new GrowingBytes();
  private readonly lengths = new GrowingBytes();
  private chunkCount = 0;
  private dataChunkCount = 0;

  /** Throws RangeError when chunks cannot have this size. */
  constructor(private readonly chunkBytes: number) {
    if (!isChunkSize(chunkBytes)) throw new RangeError(`chunks cannot have ${chunkBytes} bytes`);
  }

  /** The next chunk has data: its BLAKE3-256, and where its frame lies in the pack. */
  data(digest: Uint8Array, packOffset: number, frameBytes: number): void {
    const run = this.runs.at(-1);
    if (run && run.firstChunk + run.chunkCount === this.chunkCount) run.chunkCount += 1;
    else this.runs.push({ firstChunk: this.chunkCount, chunkCount: 1, packOffset });
    this.digests.extend(DIGEST_BYTES).set(digest);
    this.lengths.extend(FRAME_LENGTH_BYTES).writeUInt32LE(frameBytes);
    this.chunkCount += 1;
    this.dataChunkCount += 1;
  }

  /** The next chunks are zero. */
  zeros(chunkCount: number): void {
    this.chunkCount += chunkCount;
  }

  /** The bytes of the map. */
  encode(facts: MapFacts): Buffer {
    const head = Buffer.alloc(MAP_HEADER_BYTES);
    MAP_MAGIC.copy(head);
    head.writeUInt32LE(MAP_VERSION, MAP_FIELDS.version);
    head.writeUInt32LE(this.chunkBytes, MAP_FIELDS.chunkBytes);
    head.writeBigUInt64LE(BigInt(facts.contentBytes), MAP_FIELDS.contentBytes);
    head.writeBigUInt64LE(BigInt(facts.pack.sizeBytes), MAP_FIELDS.packBytes);
    head.writeUInt32LE(this.runs.length, MAP_FIELDS.runCount);
    head.writeUInt32LE(this.dataChunkCount, MAP_FIELDS.dataChunkCount);
    head.writeUInt32LE(facts.sectorBytes ?? 0, MAP_FIELDS.sectorBytes);
    head.write(facts.sha256, MAP_FIELDS.sha256, 'hex');
    head.write(facts.contentSha256, MAP_FIELDS.contentSha256, 'hex');
    head.write(facts.pack.digest, MAP_FIELDS.packBlake3, 'hex');
    return Buffer.concat([head, this.encodeRuns(), this.digests.bytes, this.lengths.bytes]);
  }

  private encodeRuns(): Buffer {
    const table = Buffer.alloc(this.runs.length * RUN_BYTES);
    for (const [index, run] of this.runs.entries()) {
      const at = index * RUN_BYTES;
      table.writeUInt32LE(run.firstChunk, at + RUN_FIELDS.firstChunk);
      table.writeUInt32LE(run.chunkCount, at + RUN_FIELDS.chunkCount);
      table.writeBigUInt64LE(BigInt(run.packOffset), at + RUN_FIELDS.packOffset);
    }
    return table;
  }
}
