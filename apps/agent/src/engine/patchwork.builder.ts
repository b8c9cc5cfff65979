/** Runs of noise and of zeros of up to 200 kB, so that holes meet dirt; the same seed gives the same bytes. */
export function patchwork(bytes: number, seed: number, zeroShare = 0.4): Buffer {
  const buffer = Buffer.alloc(bytes);
  let state = Math.imul(seed, 2) + 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
  for (let at = 0; at < bytes; ) {
    const length = 1 + Math.floor(next() * 200_000);
    const end = Math.min(bytes, at + length);
    if (next() >= zeroShare) buffer.fill(Buffer.from([next() * 256, next() * 256, next() * 256]), at, end);
    at = end;
  }
  return buffer;
}
