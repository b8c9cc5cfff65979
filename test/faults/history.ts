/** Judges what a server says about flash jobs against the invariants of a fault. Knows nothing of how the server does it. */

const FINAL = ['succeeded', 'failed', 'cancelled'];
const AFTER: Readonly<Record<string, readonly string[]>> = {
  queued: ['dispatched', 'failed', 'cancelled'],
  dispatched: ['queued', 'dispatched', 'running', ...FINAL],
  running: ['queued', 'dispatched', 'running', ...FINAL],
};

/** One line of a job's history, as the API shows it. */
interface Line {
  readonly state: string;
  readonly stage: string | null;
  readonly epoch: number;
}

/** A job, as the API shows it. */
export interface Job {
  readonly id: string;
  readonly mac: string;
  readonly state: string;
  readonly epoch: number;
  readonly created_at: string;
  readonly finished_at: string | null;
  readonly history: readonly Line[];
}

/** I9, history is monotonic, and I2, only the newest attempt may write: what a job's history violates. */
export function judgeHistory(job: Job): string[] {
  const found: string[] = [];
  const [first, ...rest] = job.history;
  if (first?.state !== 'queued' || first.epoch !== 0) found.push('I9: the history does not begin with a queued job');
  let before = first;
  for (const line of rest) {
    if (before !== undefined) found.push(...judgeStep(before, line));
    before = line;
  }
  if (before?.state !== job.state || before.epoch !== job.epoch) {
    found.push(`I9: the history ends with ${before?.state} in epoch ${before?.epoch}, the job is ${job.state}`);
  }
  const granted = job.history.some(({ stage, epoch }) => stage === 'committing' && epoch === job.epoch);
  if (job.state === 'succeeded' && !granted) found.push(`I2: epoch ${job.epoch} succeeded without a commit grant`);
  return found;
}

function judgeStep(before: Line, line: Line): string[] {
  const step = `${before.state} (epoch ${before.epoch}) -> ${line.state} (epoch ${line.epoch})`;
  const found: string[] = [];
  if (!AFTER[before.state]?.includes(line.state)) found.push(`I9: ${step}`);
  const handedOut = line.state === 'dispatched';
  if (line.epoch !== before.epoch + (handedOut ? 1 : 0)) found.push(`I2: an attempt without a hand-out: ${step}`);
  return found;
}

/** I8: each change of state has its event. `actions` are those of the job's events, oldest first. */
export function judgeEvents(job: Job, actions: readonly string[]): string[] {
  const due = job.history.flatMap(({ state, epoch }, index) => {
    const before = job.history[index - 1];
    if (before === undefined) return ['flash-job.created'];
    return before.state === state && before.epoch === epoch ? [] : [`flash-job.${state}`];
  });
  if (due.join() === actions.join()) return [];
  return [`I8: the history means the events ${due.join(', ')}; there are ${actions.join(', ')}`];
}

/** I2: jobs of one machine never overlap. */
export function judgeMachine(jobs: readonly Job[]): string[] {
  const sorted = [...jobs].sort((a, b) => a.created_at.localeCompare(b.created_at));
  return sorted.slice(1).flatMap((job, index) => {
    const before = sorted[index];
    if (before === undefined || (before.finished_at !== null && before.finished_at <= job.created_at)) return [];
    return [`I2: job ${job.id} of ${job.mac} began before ${before.id} had ended`];
  });
}

/** I1: an accepted job has ended, waits, or is held by an attempt that moved at `movedAt`, not longer ago than the limit. */
export function judgeLease(job: Job, movedAt: Date, now: Date, limitMs: number): string[] {
  if (FINAL.includes(job.state) || job.state === 'queued' || now.getTime() - movedAt.getTime() <= limitMs) return [];
  return [`I1: job ${job.id} is ${job.state} and nobody has moved it since ${movedAt.toISOString()}`];
}
