import type { ByteStream, RandomAccess } from '@bty/image-format';

const CHUNK_BYTES = 1024 * 1024;
const AHEAD = 3;

/** A file's bytes from its start, read a few MiB ahead. A chunk may be used until the next is asked for. */
export function readAhead(source: RandomAccess): ByteStream {
  return async function* (signal) {
    const waiting: Promise<Uint8Array>[] = [];
    // One more than is on its way: the one that the receiver looks at.
    const memory = Array.from({ length: AHEAD + 1 }, () => Buffer.allocUnsafeSlow(CHUNK_BYTES));
    let asked = 0;
    const ask = (): void => {
      const offsetBytes = asked * CHUNK_BYTES;
      const lengthBytes = Math.min(CHUNK_BYTES, source.sizeBytes - offsetBytes);
      if (lengthBytes <= 0) return;
      const reading = source.read(offsetBytes, lengthBytes, signal, memory[asked % memory.length]);
      reading.catch(() => undefined); // thrown when its turn comes
      waiting.push(reading);
      asked += 1;
    };
    try {
      for (let index = 0; index < AHEAD; index += 1) ask();
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const chunk = await next;
        yield chunk;
        ask();
      }
    } finally {
      await Promise.allSettled(waiting);
    }
  };
}
