import { BtyError } from '@bty/wire-types/errors';
import type { ByteRange } from '../expected-disk.js';
import {
  DIGEST_BYTES,
  FRAME_LENGTH_BYTES,
  FRAME_OVERHEAD_BYTES,
  isChunkSize,
  MAP_FIELDS,
  MAP_HEADER_BYTES,
  MAP_MAGIC,
  MAP_VERSION,
  MAX_CHUNKS,
  RUN_BYTES,
  RUN_FIELDS,
} from './map-layout.js';

const SECTOR_SIZES = [0, 512, 4096];

function invalid(problem: string, details: Record<string, unknown> = {}): BtyError {
  return new BtyError('IMAGE_INVALID', `the map of the image cannot be used: ${problem}`, { details });
}

function numberAt(bytes: Buffer, at: number, what: string): number {
  const value = bytes.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(`${what} is ${value}`);
  return Number(value);
}

function hexAt(bytes: Buffer, at: number): string {
  return bytes.toString('hex', at, at + DIGEST_BYTES);
}

/** A run of data chunks between zeros. `firstData` counts the data chunks before it; frames begin at `packOffset`. */
interface Runs {
  firstChunk: Uint32Array;
  firstData: Uint32Array;
}

/**
 * An image's map in memory: what each chunk of the disk holds, and where its frame lies in the pack. Chunks are numbered
 * from 0; sizes and offsets in bytes. Takes the memory of the map's bytes and 8 bytes a data chunk beside it.
 */
export class ImageMap {
  private lastRun = -1;

  private constructor(
    /** A power of two, 4 KiB to 4 MiB. */
    readonly chunkBytes: number,
    /** Bytes of the raw disk, at least 1. */
    readonly contentBytes: number,
    /** The last chunk may be short. */
    readonly chunkCount: number,
    /** SHA-256 of the image file as uploaded, in hex. */
    readonly sha256: string,
    /** SHA-256 of the raw disk's bytes, in hex. */
    readonly contentSha256: string,
    /** The logical sector size that the image's partition table was made for; undefined without a table that tells it. */
    readonly sectorBytes: number | undefined,
    /** The pack file: its BLAKE3-256 in hex, and its size. */
    readonly pack: { readonly digest: string; readonly sizeBytes: number },
    private readonly digests: Buffer,
    private readonly runs: Runs,
    private readonly frameOffsets: Float64Array,
    private readonly frameLengths: Buffer,
  ) {}

  /** Chunks that are not zero; each has a frame in the pack. */
  get dataChunkCount(): number {
    return this.frameOffsets.length;
  }

  /**
   * Reads a map (docs/image-format.md). The map keeps `bytes`; do not change them. Throws IMAGE_INVALID that names what is
   * wrong; what it returns keeps every promise of its methods, whoever made the bytes.
   */
  static parse(bytes: Buffer): ImageMap {
    const head = readHeader(bytes);
    const { runCount, dataChunkCount } = head;
    const digestsAt = MAP_HEADER_BYTES + runCount * RUN_BYTES;
    const lengthsAt = digestsAt + dataChunkCount * DIGEST_BYTES;
    const frameLengths = bytes.subarray(lengthsAt);
    const frameOffsets = new Float64Array(dataChunkCount);
    const runs = readRuns(bytes.subarray(MAP_HEADER_BYTES, digestsAt), head, frameLengths, frameOffsets);
    return new ImageMap(
      head.chunkBytes,
      head.contentBytes,
      head.chunkCount,
      hexAt(bytes, MAP_FIELDS.sha256),
      hexAt(bytes, MAP_FIELDS.contentSha256),
      head.sectorBytes === 0 ? undefined : head.sectorBytes,
      { digest: hexAt(bytes, MAP_FIELDS.packBlake3), sizeBytes: head.packBytes },
      bytes.subarray(digestsAt, lengthsAt),
      runs,
      frameOffsets,
      frameLengths,
    );
  }

  /** Whether the whole chunk is zeros: it has no digest and no frame that need be fetched. */
  isZero(chunk: number): boolean {
    return this.dataIndex(chunk) === undefined;
  }

  /** How many chunks are zeros from this one on, one after the other, `most` at most: 0 for a data chunk. */
  zerosFrom(chunk: number, most: number): number {
    const run = this.runBefore(chunk);
    if (run >= 0 && chunk < this.runEnd(run)) return 0;
    return Math.min(most, (this.runs.firstChunk[run + 1] ?? this.chunkCount) - chunk);
  }

  /** The runs of data chunks from `first` up to, but not with, `end`. */
  *dataRuns(first: number, end: number): Generator<{ firstChunk: number; chunkCount: number }> {
    if (first >= end) return;
    for (let run = Math.max(0, this.runBefore(first)); run < this.runs.firstChunk.length; run += 1) {
      const firstChunk = Math.max(first, this.runs.firstChunk[run] as number);
      if (firstChunk >= end) return;
      const chunkCount = Math.min(end, this.runEnd(run)) - firstChunk;
      if (chunkCount > 0) yield { firstChunk, chunkCount };
    }
  }

  /** BLAKE3-256 of a data chunk's raw bytes; shares memory with the map. Throws RangeError for a zero chunk. */
  digest(chunk: number): Buffer {
    const at = this.dataIndexOf(chunk) * DIGEST_BYTES;
    return this.digests.subarray(at, at + DIGEST_BYTES);
  }

  /**
   * Where the frame of a data chunk lies in the pack; frames of neighbouring data chunks lie next to each other. Throws
   * RangeError for a zero chunk.
   */
  frame(chunk: number): ByteRange {
    const index = this.dataIndexOf(chunk);
    return {
      offsetBytes: this.frameOffsets[index] as number,
      lengthBytes: this.frameLengths.readUInt32LE(index * FRAME_LENGTH_BYTES),
    };
  }

  /** Where the chunk lies on the disk. */
  chunkRange(chunk: number): ByteRange {
    if (!(chunk >= 0 && chunk < this.chunkCount)) throw new RangeError(`there is no chunk ${chunk}`);
    const offsetBytes = chunk * this.chunkBytes;
    return { offsetBytes, lengthBytes: Math.min(this.chunkBytes, this.contentBytes - offsetBytes) };
  }

  private dataIndexOf(chunk: number): number {
    const index = this.dataIndex(chunk);
    if (index === undefined) throw new RangeError(`chunk ${chunk} is zero`);
    return index;
  }

  private dataIndex(chunk: number): number | undefined {
    const run = this.runBefore(chunk);
    if (run < 0 || chunk >= this.runEnd(run)) return undefined;
    return (this.runs.firstData[run] as number) + chunk - (this.runs.firstChunk[run] as number);
  }

  /** The first chunk after a run of data chunks. */
  private runEnd(run: number): number {
    const { firstChunk, firstData } = this.runs;
    return (firstChunk[run] as number) + (firstData[run + 1] ?? this.dataChunkCount) - (firstData[run] as number);
  }

  /** The last run that begins at this chunk or before; -1 when none does. Mostly the one that was asked for before. */
  private runBefore(chunk: number): number {
    if (!(chunk >= 0 && chunk < this.chunkCount)) throw new RangeError(`there is no chunk ${chunk}`);
    const { firstChunk } = this.runs;
    const last = this.lastRun;
    if ((firstChunk[last] ?? 0) <= chunk && chunk < (firstChunk[last + 1] ?? this.chunkCount) && last >= 0) return last;
    let low = 0;
    let high = firstChunk.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((firstChunk[middle] as number) <= chunk) low = middle + 1;
      else high = middle;
    }
    this.lastRun = low - 1;
    return low - 1;
  }
}

interface Head {
  chunkBytes: number;
  contentBytes: number;
  chunkCount: number;
  packBytes: number;
  runCount: number;
  dataChunkCount: number;
  sectorBytes: number;
}

function readHeader(bytes: Buffer): Head {
  if (bytes.length < MAP_HEADER_BYTES) throw invalid(`it has ${bytes.length} bytes, its header ${MAP_HEADER_BYTES}`);
  if (!bytes.subarray(0, MAP_MAGIC.length).equals(MAP_MAGIC)) throw invalid('it does not begin like a map');
  const field = (name: keyof typeof MAP_FIELDS): number => bytes.readUInt32LE(MAP_FIELDS[name]);
  const version = field('version');
  if (version !== MAP_VERSION) throw invalid(`it has version ${version}, this bty reads version ${MAP_VERSION}`);
  const chunkBytes = field('chunkBytes');
  if (!isChunkSize(chunkBytes)) throw invalid(`chunk_bytes is ${chunkBytes}`);
  const contentBytes = numberAt(bytes, MAP_FIELDS.contentBytes, 'content_bytes');
  const chunkCount = Math.ceil(contentBytes / chunkBytes);
  if (chunkCount === 0 || chunkCount >= MAX_CHUNKS) throw invalid(`content_bytes is ${contentBytes}`);
  const sectorBytes = field('sectorBytes');
  if (!SECTOR_SIZES.includes(sectorBytes)) throw invalid(`sector_bytes is ${sectorBytes}`);
  if (field('reserved') !== 0) throw invalid('its reserved field is not 0');
  const runCount = field('runCount');
  const dataChunkCount = field('dataChunkCount');
  const expectedBytes = MAP_HEADER_BYTES + runCount * RUN_BYTES + dataChunkCount * (DIGEST_BYTES + FRAME_LENGTH_BYTES);
  if (bytes.length !== expectedBytes) {
    throw invalid(`it has ${bytes.length} bytes, its header promises ${expectedBytes}`);
  }
  const packBytes = numberAt(bytes, MAP_FIELDS.packBytes, 'pack_bytes');
  return { chunkBytes, contentBytes, chunkCount, packBytes, runCount, dataChunkCount, sectorBytes };
}

/** Checks the runs and the lengths of their frames, and fills in where each frame begins. */
function readRuns(table: Buffer, head: Head, frameLengths: Buffer, frameOffsets: Float64Array): Runs {
  const runs = { firstChunk: new Uint32Array(head.runCount), firstData: new Uint32Array(head.runCount) };
  const maxFrameBytes = head.chunkBytes + FRAME_OVERHEAD_BYTES;
  let nextChunk = 0;
  let dataChunks = 0;
  let packOffset = 0;
  for (let run = 0; run < head.runCount; run += 1) {
    const entry = table.subarray(run * RUN_BYTES, (run + 1) * RUN_BYTES);
    const firstChunk = entry.readUInt32LE(RUN_FIELDS.firstChunk);
    const chunkCount = entry.readUInt32LE(RUN_FIELDS.chunkCount);
    const offset = numberAt(entry, RUN_FIELDS.packOffset, `the place of run ${run}`);
    const zeros = firstChunk - nextChunk;
    if (chunkCount === 0 || zeros < 0 || (zeros === 0 && run > 0) || firstChunk + chunkCount > head.chunkCount) {
      throw invalid(`run ${run} says ${chunkCount} chunks from chunk ${firstChunk}`, { run });
    }
    if (zeros === 0 ? offset !== packOffset : offset <= packOffset) {
      throw invalid(`run ${run} begins at byte ${offset} of the pack, the one before it ends at ${packOffset}`, {
        run,
      });
    }
    if (dataChunks + chunkCount > head.dataChunkCount) throw invalid('its runs have more chunks than its header says');
    runs.firstChunk[run] = firstChunk;
    runs.firstData[run] = dataChunks;
    packOffset = offset;
    for (let index = dataChunks; index < dataChunks + chunkCount; index += 1) {
      const length = frameLengths.readUInt32LE(index * FRAME_LENGTH_BYTES);
      if (length === 0 || length > maxFrameBytes) throw invalid(`frame ${index} has ${length} bytes`, { frame: index });
      frameOffsets[index] = packOffset;
      packOffset += length;
    }
    nextChunk = firstChunk + chunkCount;
    dataChunks += chunkCount;
  }
  if (dataChunks !== head.dataChunkCount) throw invalid('its runs have fewer chunks than its header says');
  if (packOffset >= head.packBytes)
    throw invalid(`its frames end at byte ${packOffset}, the pack at ${head.packBytes}`);
  return runs;
}
