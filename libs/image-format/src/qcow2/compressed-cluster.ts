import { promisify } from 'node:util';
import { inflateRaw, inflateRawSync } from 'node:zlib';
import binding from 'zstd-napi/binding.js';

/** Decompresses one cluster; fills `cluster` exactly, or throws. `input` may go on after the compressed stream. */
export type Decompress = (input: Buffer, cluster: Buffer) => Promise<void>;

const inflateInPool = promisify(inflateRaw);
// below, the way to libuv's threads and back costs more than the work
const POOL_FROM_BYTES = 16 * 1024;
// a frame of one cluster (2 MiB at most) needs no more; a stranger's frame gets no more
const MAX_WINDOW_LOG = 23;

function checkLength(producedBytes: number, cluster: Buffer): void {
  if (producedBytes === cluster.length) return;
  throw new Error(`it decompresses to ${producedBytes} bytes, a cluster has ${cluster.length}`);
}

/** Raw deflate, without zlib's header. */
const inflateCluster: Decompress = async (input, cluster) => {
  const options = { maxOutputLength: cluster.length, chunkSize: cluster.length };
  const inPool = cluster.length >= POOL_FROM_BYTES;
  const bytes = inPool ? await inflateInPool(input, options) : inflateRawSync(input, options);
  checkLength(bytes.length, cluster);
  bytes.copy(cluster);
};

function zstdClusters(): Decompress {
  const decoder = new binding.DCtx();
  decoder.setParameter(binding.DParameter.windowLogMax, MAX_WINDOW_LOG);
  return async (input, cluster) => {
    decoder.reset(binding.ResetDirective.sessionOnly);
    const [hint, produced, consumed] = decoder.decompressStream(cluster, input);
    checkLength(produced, cluster);
    // the frame may end with an empty block or a checksum that was not read when the cluster was full
    const rest = hint === 0 ? 0 : decoder.decompressStream(Buffer.alloc(0), input.subarray(consumed))[0];
    if (rest !== 0) throw new Error('its zstd frame does not end with the cluster');
  };
}

/** The decompressor for an image's compression type; for one walk over the image. */
export function decompressor(compression: 'zlib' | 'zstd'): Decompress {
  return compression === 'zlib' ? inflateCluster : zstdClusters();
}
