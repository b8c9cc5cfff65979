import { BtyError } from '@bty/wire-types/errors';
import type { ImagePiece } from '../image-content.js';
import { type RandomAccess, readExactly } from '../random-access.js';
import { type ClusterDecompressor, decompressor } from './compressed-cluster.js';
import type { Qcow2Header } from './header.js';
import { type CompressedRun, type CompressedStep, READ_BYTES, type Step } from './steps.js';

/** A piece, and the memory that is free again once the consumer is done with it. */
export interface LoadedPiece {
  piece: ImagePiece;
  memory?: Buffer;
}

/** Turns steps into pieces: reads, and decompresses. Uses its memory again and again. */
export class StepLoader {
  private readonly decompressor: ClusterDecompressor;
  private readonly free: Buffer[] = [];

  constructor(
    private readonly source: RandomAccess,
    private readonly header: Qcow2Header,
    private readonly signal: AbortSignal,
  ) {
    this.decompressor = decompressor(header.compression);
  }

  async load(step: Step): Promise<LoadedPiece> {
    const { kind, offsetBytes, lengthBytes } = step;
    if (kind === 'zero') return { piece: { offsetBytes, zeroBytes: lengthBytes } };
    if (kind === 'compressed') {
      // clusters come out whole, also the one in which the disk ends
      const memory = this.take(step.clusters.length * this.header.clusterBytes);
      await this.loadCompressed(step, memory);
      return { piece: { offsetBytes, bytes: memory.subarray(0, lengthBytes) }, memory };
    }
    const memory = this.take(lengthBytes);
    const what = `qcow2 data of guest offset ${offsetBytes}`;
    const bytes = await readExactly(this.source, what, step.hostOffsetBytes, lengthBytes, this.signal, memory);
    return { piece: { offsetBytes, bytes }, memory };
  }

  /** Takes back the memory of a piece that nobody looks at any more. */
  release({ memory }: LoadedPiece): void {
    if (memory?.length === READ_BYTES) this.free.push(memory);
  }

  /** To be called when nothing is being loaded any more. */
  close(): Promise<void> {
    return this.decompressor.close();
  }

  private take(lengthBytes: number): Buffer {
    if (lengthBytes > READ_BYTES) return Buffer.allocUnsafeSlow(lengthBytes);
    return this.free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
  }

  private async loadCompressed(step: CompressedStep, clusters: Buffer): Promise<void> {
    // the last sector of the last cluster need not be there as a whole
    const endBytes = Math.min(step.hostEndBytes, this.source.sizeBytes);
    const lengthBytes = Math.max(endBytes - step.hostOffsetBytes, 1);
    const memory = this.take(lengthBytes);
    const what = `qcow2 compressed data of guest offset ${step.offsetBytes}`;
    const host = await readExactly(this.source, what, step.hostOffsetBytes, lengthBytes, this.signal, memory);
    // one after the other: the steps ahead keep the cores busy, and an inflater takes 48 KiB
    for (const run of step.clusters) await this.cluster(step, run, host, clusters);
    this.release({ piece: { offsetBytes: 0, bytes: host }, memory });
  }

  private async cluster(step: CompressedStep, run: CompressedRun, host: Buffer, clusters: Buffer): Promise<void> {
    const { offsetBytes, hostOffsetBytes, hostLengthBytes } = run;
    const from = hostOffsetBytes - step.hostOffsetBytes;
    const input = host.subarray(from, from + hostLengthBytes);
    const at = offsetBytes - step.offsetBytes;
    try {
      await this.decompressor.decompress(input, clusters.subarray(at, at + this.header.clusterBytes));
    } catch (cause) {
      const cut = input.length < hostLengthBytes;
      const reason = cut
        ? 'passes the end of the file'
        : `is damaged: ${cause instanceof Error ? cause.message : cause}`;
      throw new BtyError(
        cut ? 'IMAGE_TRUNCATED' : 'IMAGE_INVALID',
        `qcow2: the compressed cluster of guest offset ${offsetBytes}, at byte ${hostOffsetBytes} of the file, ${reason}`,
        { cause, details: { guestOffsetBytes: offsetBytes, hostOffsetBytes, hostLengthBytes } },
      );
    }
  }
}
