import type { MapFacts } from '@bty/image-format';
import type { ErrorCode, ImageFormat } from '@bty/wire-types';

/** What the preparing thread is started with. The descriptor is open for reading and stays the caller's. */
export interface PrepareOrder {
  readonly name: string;
  readonly format: ImageFormat;
  readonly descriptor: number;
  readonly sizeBytes: number;
  /** The largest disk that an image may hold. */
  readonly maxContentBytes: number;
  /** New files; they exist and are empty. */
  readonly packPath: string;
  readonly mapPath: string;
  /** What pack and map may take together. */
  readonly roomBytes: number;
  readonly compressThreads: number;
  /** One Int32; not 0 when the thread is to stop. A thread is never ended from outside: the addons do not survive that. */
  readonly stop: SharedArrayBuffer;
}

/** What was derived from an image; digests in hex, sizes in bytes. Both files are complete and on the disk. */
export interface PreparedImage extends MapFacts {
  readonly chunkBytes: number;
  readonly map: { readonly digest: string; readonly sizeBytes: number };
}

/** How much of the disk has been read; the total is undefined while it is not known. */
export interface PrepareProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number | undefined;
}

/** What the preparing thread says. The last is `done` or `failed`. */
export type PrepareReport =
  | { readonly kind: 'progress'; readonly progress: PrepareProgress }
  | { readonly kind: 'done'; readonly prepared: PreparedImage }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: Readonly<Record<string, unknown>>;
    };

/** What a compressing thread is started with. */
export interface CompressSettings {
  readonly chunkBytes: number;
  readonly level: number;
}

/** What a compressing thread is told: compress a batch, or end when all are done. */
export type CompressMessage = Batch | 'end';

/** Chunks for a compressing thread; the memory goes along and comes back. */
export interface Batch {
  /** The chunks, one after the other; only the last may be short. */
  readonly input: ArrayBuffer;
  /** Room for the frames of as many chunks as fit the input. */
  readonly output: ArrayBuffer;
  readonly lengthBytes: number;
}

/** The frames of a batch, one after the other in its output. */
export interface CompressedBatch extends Batch {
  /** Length of each chunk's frame; 0 for a chunk of zeros, which has none. */
  readonly frameBytes: Uint32Array;
  /** BLAKE3-256 of each chunk that is not zeros, 32 bytes a chunk. */
  readonly digests: Uint8Array;
}
