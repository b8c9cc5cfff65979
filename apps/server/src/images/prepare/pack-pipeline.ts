import { ChunkEncoder, type ImagePiece, type PackWriter } from '@bty/image-format';
import type { CompressPool } from './compress-pool.js';
import type { PackFile } from './pack-file.js';
import type { Batch, CompressedBatch } from './prepare-messages.js';

/** Chunks are handed to a compressing thread in batches of this size: large enough that handing over costs nothing. */
const BATCH_BYTES = 1024 * 1024;
const DIGEST_BYTES = 32;

type Memory = Pick<Batch, 'input' | 'output'>;
/** What waits for its turn to be written: a batch that is being compressed, or a run of zeros. */
type Step = Promise<CompressedBatch> | { readonly zeroBytes: number };

const ZEROS = Buffer.alloc(BATCH_BYTES);

function isZero(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < buffer.length; at += ZEROS.length) {
    const part = buffer.subarray(at, at + ZEROS.length);
    if (!part.equals(ZEROS.subarray(0, part.length))) return false;
  }
  return true;
}

/**
 * Cuts the pieces of a disk into chunks, lets threads compress them, and writes the pack in order. Holds a fixed number of
 * batches; whoever adds pieces waits for the oldest of them when there is no memory left.
 */
export class PackPipeline {
  private readonly batchBytes: number;
  private readonly free: Memory[] = [];
  private readonly steps: Step[] = [];
  private filling: Memory | undefined;
  private filledBytes = 0;
  private zeroBytes = 0;

  constructor(
    private readonly chunkBytes: number,
    batches: number,
    private readonly pool: CompressPool,
    private readonly writer: PackWriter,
    private readonly file: PackFile,
  ) {
    this.batchBytes = Math.max(BATCH_BYTES, chunkBytes);
    const outputBytes = (this.batchBytes / chunkBytes) * ChunkEncoder.boundBytes(chunkBytes);
    for (let count = 0; count < batches; count += 1) {
      this.free.push({ input: new ArrayBuffer(this.batchBytes), output: new ArrayBuffer(outputBytes) });
    }
  }

  /** Adds the next piece of the disk; its bytes are free again when this resolves. */
  async add(piece: ImagePiece): Promise<void> {
    if ('zeroBytes' in piece) this.zeroBytes += piece.zeroBytes;
    else if (isZero(piece.bytes)) this.zeroBytes += piece.bytes.length;
    else {
      await this.flushZeros();
      await this.fill(piece.bytes.length, (into, from) => into.set(piece.bytes.subarray(from, from + into.length)));
    }
  }

  /** Writes what is left; resolves when all frames are in the file. */
  async end(): Promise<void> {
    await this.flushZeros();
    this.submit();
    while (this.steps.length > 0) await this.writeNext();
  }

  /** A long run of zeros is never expanded, apart from what it shares with the chunks at its ends. */
  private async flushZeros(): Promise<void> {
    const { zeroBytes } = this;
    this.zeroBytes = 0;
    const fill = (lengthBytes: number) => this.fill(lengthBytes, (into) => into.fill(0));
    if (zeroBytes < this.batchBytes) return fill(zeroBytes);
    const headBytes = -this.filledBytes & (this.chunkBytes - 1);
    const tailBytes = (zeroBytes - headBytes) % this.chunkBytes;
    await fill(headBytes);
    this.submit();
    const runBytes = zeroBytes - headBytes - tailBytes;
    if (runBytes > 0) this.steps.push({ zeroBytes: runBytes });
    await fill(tailBytes);
  }

  private async fill(lengthBytes: number, write: (into: Uint8Array, from: number) => void): Promise<void> {
    for (let from = 0; from < lengthBytes; ) {
      this.filling ??= await this.memory();
      const part = Math.min(lengthBytes - from, this.batchBytes - this.filledBytes);
      write(new Uint8Array(this.filling.input, this.filledBytes, part), from);
      this.filledBytes += part;
      from += part;
      if (this.filledBytes === this.batchBytes) this.submit();
    }
  }

  private submit(): void {
    if (this.filling === undefined) return;
    const compressing = this.pool.compress({ ...this.filling, lengthBytes: this.filledBytes });
    compressing.catch(() => undefined); // it is thrown when its turn comes
    this.steps.push(compressing);
    this.filling = undefined;
    this.filledBytes = 0;
  }

  private async memory(): Promise<Memory> {
    while (this.free.length === 0) await this.writeNext();
    return this.free.pop() as Memory;
  }

  private async writeNext(): Promise<void> {
    const step = await this.steps.shift();
    if (step === undefined) throw new Error('all memory is in use by nobody');
    if ('zeroBytes' in step) {
      this.writer.zeros(step.zeroBytes);
      return;
    }
    this.file.append(this.framesOf(step));
    this.free.push({ input: step.input, output: step.output });
  }

  private framesOf(batch: CompressedBatch): Uint8Array[] {
    const parts: Uint8Array[] = [];
    let frameAt = 0;
    for (const [index, frameBytes] of batch.frameBytes.entries()) {
      const lengthBytes = Math.min(this.chunkBytes, batch.lengthBytes - index * this.chunkBytes);
      if (frameBytes === 0) {
        this.writer.zeros(lengthBytes);
        continue;
      }
      const digest = batch.digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES);
      parts.push(...this.writer.data(lengthBytes, digest, new Uint8Array(batch.output, frameAt, frameBytes)));
      frameAt += frameBytes;
    }
    return parts;
  }
}
