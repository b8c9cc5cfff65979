import type { FlashJobState } from '@bty/wire-types';

/**
 * What can happen to a flash job. `hand_out`: an agent gets it; `stage`: the agent reports a phase; `give_back`: the
 * agent made no progress and another attempt is left.
 */
export const JOB_EVENTS = ['hand_out', 'stage', 'succeed', 'fail', 'cancel', 'give_back'] as const;
export type JobEvent = (typeof JOB_EVENTS)[number];

/** How often a job is handed out before it counts as failed. */
export const MAX_ATTEMPTS = 5;

const HELD = {
  hand_out: 'dispatched',
  stage: 'running',
  succeed: 'succeeded',
  fail: 'failed',
  cancel: 'cancelled',
  give_back: 'queued',
} as const;

const NEXT: Readonly<Record<FlashJobState, Partial<Record<JobEvent, FlashJobState>>>> = {
  queued: { hand_out: 'dispatched', fail: 'failed', cancel: 'cancelled' },
  dispatched: HELD,
  running: HELD,
  succeeded: {},
  failed: {},
  cancelled: {},
};

/** The state after an event, or undefined when the event cannot happen in this state. Final states have no events. */
export function nextState(state: FlashJobState, event: JobEvent): FlashJobState | undefined {
  return NEXT[state][event];
}

/** Whether the machine still has to do the job, or is doing it. */
export function isActive(state: FlashJobState): boolean {
  return state === 'queued' || isHeld(state);
}

/** Whether the job is over. */
export function isFinal(state: FlashJobState): boolean {
  return !isActive(state);
}

/** Whether an agent has the job. */
export function isHeld(state: FlashJobState): boolean {
  return state === 'dispatched' || state === 'running';
}

/** What becomes of a job without progress: `epoch` is how often it was handed out. */
export function afterStall(epoch: number): 'give_back' | 'fail' {
  return epoch < MAX_ATTEMPTS ? 'give_back' : 'fail';
}

/**
 * How long the job has been without progress, in milliseconds. Time in which the server was down does not count: it
 * could not have heard.
 */
export function stalledMs(now: Date, lastProgressAt: Date, serverUpSince: Date): number {
  return now.getTime() - Math.max(lastProgressAt.getTime(), serverUpSince.getTime());
}
