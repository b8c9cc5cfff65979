import type { SegmentDone, SegmentTask } from '../engine/segment.js';

/** Those who carry out segments: this thread, or worker threads. */
export interface Crew {
  /** Threads that compute. */
  readonly threads: number;
  /** Segments that may be handed out at once. */
  readonly capacity: number;
  /** Carries out a segment; throws a BtyError. */
  run(task: SegmentTask): Promise<SegmentDone>;
  /** Ends what is being done: it is thrown with this reason. */
  abort(reason: Error): void;
  /** To be called when all that was handed out has ended. */
  close(): Promise<void>;
}

/** Whom a crew asks and tells. */
export interface CrewPorts {
  /** Resolves when the disk may be written; called before the first write of each segment. */
  mayWrite(): Promise<void>;
  onRetry(reason: string): void;
  /** Value of the Authorization header for reads from the server. */
  authorization(): string | undefined;
}

/**
 * Hands segments out, as many at once as the crew takes, in order. Throws the first failure when nothing is being done any
 * more; an abort of the signal is one.
 */
export async function handOut(
  crew: Crew,
  tasks: Iterable<SegmentTask>,
  onDone: (done: SegmentDone, task: SegmentTask) => void,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const left = tasks[Symbol.iterator]();
  let failure: { reason: Error } | undefined;
  const fail = (reason: Error): void => {
    if (failure !== undefined) return;
    failure = { reason };
    crew.abort(reason);
  };
  const abort = (): void => fail(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  const work = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true && failure === undefined; next = left.next()) {
      try {
        onDone(await crew.run(next.value), next.value);
      } catch (error) {
        fail(error as Error);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: crew.capacity }, work));
  } finally {
    signal.removeEventListener('abort', abort);
  }
  if (failure !== undefined) throw failure.reason;
}
