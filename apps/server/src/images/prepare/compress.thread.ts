import { parentPort, workerData } from 'node:worker_threads';
import { ChunkEncoder } from '@bty/image-format';
import { blake3 } from '@napi-rs/blake-hash';
import { inBackground } from './in-background.js';
import type { Batch, CompressedBatch, CompressMessage, CompressSettings } from './prepare-messages.js';

const DIGEST_BYTES = 32;
const { chunkBytes, level } = workerData as CompressSettings;
const encoder = new ChunkEncoder(level);
const zeros = Buffer.alloc(chunkBytes);

function compress(batch: Batch): CompressedBatch {
  const input = Buffer.from(batch.input, 0, batch.lengthBytes);
  const output = Buffer.from(batch.output);
  const count = Math.ceil(batch.lengthBytes / chunkBytes);
  const frameBytes = new Uint32Array(count);
  const digests = new Uint8Array(count * DIGEST_BYTES);
  let end = 0;
  for (let index = 0; index < count; index += 1) {
    const chunk = input.subarray(index * chunkBytes, (index + 1) * chunkBytes);
    if (chunk.equals(zeros.subarray(0, chunk.length))) continue;
    digests.set(blake3(chunk), index * DIGEST_BYTES);
    const length = encoder.encode(chunk, output.subarray(end));
    frameBytes[index] = length;
    end += length;
  }
  return { ...batch, frameBytes, digests };
}

inBackground();
parentPort?.on('message', (message: CompressMessage) => {
  if (message === 'end') parentPort?.close();
  else parentPort?.postMessage(compress(message), [message.input, message.output]);
});
