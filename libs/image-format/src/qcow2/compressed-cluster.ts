import binding from 'zstd-napi/binding.js';
import { RawInflate } from './raw-inflate.js';

/** Decompresses clusters of one image. */
export interface ClusterDecompressor {
  /** Fills `cluster` exactly, or throws. `input` may go on after the compressed stream. */
  decompress(input: Buffer, cluster: Buffer): Promise<void>;
  /** To be called when nothing is being decompressed any more. */
  close(): Promise<void>;
}

// a frame of one cluster (2 MiB at most) needs no more; a stranger's frame gets no more
const MAX_WINDOW_LOG = 23;

function checkLength(producedBytes: number, cluster: Buffer): void {
  if (producedBytes === cluster.length) return;
  throw new Error(`it decompresses to ${producedBytes} bytes, a cluster has ${cluster.length}`);
}

/** Raw deflate, without zlib's header. */
function deflateClusters(): ClusterDecompressor {
  const raw = new RawInflate();
  return {
    decompress: async (input, cluster) => checkLength(await raw.inflate(input, cluster), cluster),
    close: () => raw.close(),
  };
}

function zstdClusters(): ClusterDecompressor {
  const decoder = new binding.DCtx();
  decoder.setParameter(binding.DParameter.windowLogMax, MAX_WINDOW_LOG);
  const decompress = async (input: Buffer, cluster: Buffer): Promise<void> => {
    decoder.reset(binding.ResetDirective.sessionOnly);
    const [hint, produced, consumed] = decoder.decompressStream(cluster, input);
    checkLength(produced, cluster);
    // the frame may end with an empty block or a checksum that was not read when the cluster was full
    const rest = hint === 0 ? 0 : decoder.decompressStream(Buffer.alloc(0), input.subarray(consumed))[0];
    if (rest !== 0) throw new Error('its zstd frame does not end with the cluster');
  };
  return { decompress, close: async () => undefined };
}

/** The decompressor for an image's compression type; for one walk over the image. */
export function decompressor(compression: 'zlib' | 'zstd'): ClusterDecompressor {
  return compression === 'zlib' ? deflateClusters() : zstdClusters();
}
