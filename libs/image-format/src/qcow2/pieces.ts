import type { ImagePiece } from '../image-content.js';
import type { RandomAccess } from '../random-access.js';
import type { Qcow2Header } from './header.js';
import { RunWalk } from './runs.js';
import { type LoadedPiece, StepLoader } from './step-loader.js';
import { type Step, stepsOf } from './steps.js';

/** Bytes of the disk that are read and decompressed ahead of the consumer. */
const AHEAD_BYTES = 8 * 1024 * 1024;
const AHEAD_STEPS = 16;

/** Loads steps ahead of their turn, and gives them in order. */
class ReadAhead {
  private readonly waiting: { loading: Promise<LoadedPiece>; lengthBytes: number }[] = [];
  private aheadBytes = 0;

  constructor(private readonly loader: StepLoader) {}

  start(step: Step): void {
    const lengthBytes = step.kind === 'zero' ? 0 : step.lengthBytes;
    const loading = this.loader.load(step);
    loading.catch(() => undefined); // it is thrown when its turn comes
    this.waiting.push({ loading, lengthBytes });
    this.aheadBytes += lengthBytes;
  }

  get full(): boolean {
    return this.aheadBytes >= AHEAD_BYTES || this.waiting.length >= AHEAD_STEPS;
  }

  async next(): Promise<LoadedPiece | undefined> {
    const next = this.waiting.shift();
    this.aheadBytes -= next?.lengthBytes ?? 0;
    return next?.loading;
  }

  async settle(): Promise<void> {
    await Promise.allSettled(this.waiting.map(({ loading }) => loading));
  }
}

/** The content of an open qcow2 file in guest order; reads ahead of the consumer by at most 8 MiB of the disk. */
export async function* qcow2Pieces(
  source: RandomAccess,
  header: Qcow2Header,
  signal?: AbortSignal,
): AsyncGenerator<ImagePiece> {
  const ended = new AbortController();
  const either = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
  const loader = new StepLoader(source, header, either);
  const ahead = new ReadAhead(loader);
  async function* loaded(wanted: () => boolean): AsyncGenerator<ImagePiece> {
    while (wanted()) {
      const next = await ahead.next();
      if (!next) return;
      signal?.throwIfAborted();
      yield next.piece;
      loader.release(next);
    }
    signal?.throwIfAborted();
  }
  try {
    for await (const step of stepsOf(new RunWalk(source, header, either).runs())) {
      ahead.start(step);
      yield* loaded(() => ahead.full);
    }
    yield* loaded(() => true);
  } finally {
    ended.abort();
    await ahead.settle();
    await loader.close();
  }
}
