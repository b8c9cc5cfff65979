import type { AcknowledgedMessage, JobRef } from '@bty/wire-types';

type WithoutSeq<T> = T extends unknown ? Omit<T, 'seq'> : never;

/** A report before it got its number. */
export type Report = WithoutSeq<AcknowledgedMessage>;

/** What survives a restart of the agent. */
export interface OutboxState {
  nextSeq: number;
  unacknowledged: AcknowledgedMessage[];
}

/** Reports in the order of their numbers, each kept until the server has acknowledged it. */
export class Outbox {
  #nextSeq: number;
  readonly #waiting = new Map<number, { message: AcknowledgedMessage; done: () => void }>();

  constructor(
    state: OutboxState,
    private readonly save: (state: OutboxState) => void,
  ) {
    this.#nextSeq = state.nextSeq;
    for (const message of state.unacknowledged) this.#waiting.set(message.seq, { message, done: () => undefined });
  }

  /** Numbers and keeps a report. The promise resolves when it is acknowledged, which may be never. */
  add(report: Report): { message: AcknowledgedMessage; acknowledged: Promise<void> } {
    const message = { ...report, seq: this.#nextSeq } as AcknowledgedMessage;
    this.#nextSeq += 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(message.seq, { message, done: resolve });
    this.#save();
    return { message, acknowledged: promise };
  }

  /** A number that is not waiting was acknowledged before: acknowledgements may come twice. */
  acknowledge(seq: number): void {
    const entry = this.#waiting.get(seq);
    if (entry === undefined) return;
    this.#waiting.delete(seq);
    this.#save();
    entry.done();
  }

  unacknowledged(): AcknowledgedMessage[] {
    return [...this.#waiting.values()].map(({ message }) => message).sort((a, b) => a.seq - b.seq);
  }

  /** The job whose result is still waiting for its acknowledgement. */
  unreportedJob(): JobRef | undefined {
    const finished = this.unacknowledged().findLast(
      ({ type }) => type === 'flash.finished' || type === 'check.finished',
    );
    return finished && { job_id: finished.job_id, epoch: finished.epoch };
  }

  #save(): void {
    this.save({ nextSeq: this.#nextSeq, unacknowledged: this.unacknowledged() });
  }
}
