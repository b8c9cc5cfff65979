import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { BtyError } from '@bty/wire-types';
import type { SegmentDone, SegmentTask } from '../engine/segment.js';
import { SEGMENTS_AT_ONCE } from '../engine/segment-runner.js';
import type { Crew, CrewPorts } from './crew.js';
import { errorOf, type FromWorker, failureOf, type ToWorker, type WorkerSetup } from './worker-messages.js';

// What a segment leaves behind is small; without a limit V8 lets each thread's garbage grow to 16 MB.
const LIMITS = { maxYoungGenerationSizeMb: 4 };

const END_TIMEOUT_MS = 5000;

interface Member {
  worker: Worker;
  /** Tasks that it has, by id. */
  tasks: Map<number, { resolve(done: SegmentDone): void; reject(error: Error): void }>;
  failure: BtyError | undefined;
  ended: Promise<unknown>;
}

/** Worker threads that share one open disk, perhaps with this one. Each takes segments from end to end, so that nothing is copied between them. */
export class ThreadCrew implements Crew {
  readonly capacity: number;
  readonly #members: Member[];
  #nextId = 0;

  constructor(
    entry: URL,
    readonly threads: number,
    setup: WorkerSetup,
    private readonly ports: CrewPorts,
  ) {
    this.capacity = threads * SEGMENTS_AT_ONCE;
    this.#members = Array.from({ length: threads }, () => this.#start(entry, setup));
  }

  run(task: SegmentTask): Promise<SegmentDone> {
    const member = this.#members.reduce((least, one) => (one.tasks.size < least.tasks.size ? one : least));
    return new Promise((resolve, reject) => {
      if (member.failure !== undefined) return reject(member.failure);
      const id = this.#nextId++;
      member.tasks.set(id, { resolve, reject });
      tell(member, { type: 'task', id, task, authorization: this.ports.authorization() });
    });
  }

  abort(reason: Error): void {
    for (const member of this.#members) tell(member, { type: 'abort', failure: failureOf(reason) });
  }

  /** Lets the threads end by themselves: one that is terminated inside native code takes the whole process with it. */
  async close(): Promise<void> {
    for (const member of this.#members) tell(member, { type: 'end' });
    const ended = Promise.all(this.#members.map((member) => member.ended));
    // One that a dead disk holds is left behind.
    await Promise.race([ended, sleep(END_TIMEOUT_MS, undefined, { ref: false })]);
    for (const { worker } of this.#members) worker.unref();
  }

  #start(entry: URL, setup: WorkerSetup): Member {
    const worker = new Worker(entry, { workerData: setup, resourceLimits: LIMITS });
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    const member: Member = { worker, tasks: new Map(), failure: undefined, ended };
    member.worker.on('message', (message: FromWorker) => this.#hear(member, message));
    const gone = (why: string, cause?: Error): void => {
      member.failure ??= new BtyError('INTERNAL', `a worker thread ended: ${why}`, { cause });
      for (const { reject } of member.tasks.values()) reject(member.failure);
      member.tasks.clear();
    };
    member.worker.on('error', (error: Error) => gone(error.message, error));
    member.worker.on('exit', (code) => gone(`code ${code}`));
    return member;
  }

  #hear(member: Member, message: FromWorker): void {
    if (message.type === 'retry') this.ports.onRetry(message.reason);
    else if (message.type === 'wantsToWrite') this.#grant(member);
    else {
      const task = member.tasks.get(message.id);
      member.tasks.delete(message.id);
      if (message.type === 'done') task?.resolve(message.done);
      else task?.reject(errorOf(message.failure));
    }
  }

  #grant(member: Member): void {
    this.ports.mayWrite().then(
      () => tell(member, { type: 'mayWrite' }),
      (error: unknown) => tell(member, { type: 'abort', failure: failureOf(error) }),
    );
  }
}

function tell({ worker }: Member, message: ToWorker): void {
  worker.postMessage(message);
}
