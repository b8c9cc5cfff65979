/**
 * `queued`: no worker has it yet; `waiting`: a worker tries to reach the machine's new system, nothing has been run;
 * `running`: the workflow runs. `interrupted`: whoever carried it out was stopped or died in the middle.
 */
export const RUN_STATES = ['queued', 'waiting', 'running', 'succeeded', 'failed', 'cancelled', 'interrupted'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** `give_back`: a worker lets go of a run of which nothing has been carried out yet. */
export const RUN_EVENTS = ['take', 'start', 'succeed', 'fail', 'cancel', 'interrupt', 'give_back'] as const;
export type RunEvent = (typeof RUN_EVENTS)[number];

const NEXT: Readonly<Record<RunState, Partial<Record<RunEvent, RunState>>>> = {
  queued: { take: 'waiting', fail: 'failed', cancel: 'cancelled' },
  waiting: { start: 'running', fail: 'failed', cancel: 'cancelled', give_back: 'queued' },
  running: { succeed: 'succeeded', fail: 'failed', cancel: 'cancelled', interrupt: 'interrupted' },
  succeeded: {},
  failed: {},
  cancelled: {},
  interrupted: {},
};

/** The states before the end. */
export const ACTIVE_RUN_STATES = RUN_STATES.filter((state) => Object.keys(NEXT[state]).length > 0);

/** The state after an event, or undefined when the event cannot happen in this state. Final states have no events. */
export function nextRunState(state: RunState, event: RunEvent): RunState | undefined {
  return NEXT[state][event];
}

/** Whether a run still has to be carried out, or is being carried out. */
export function isActiveRun(state: RunState): boolean {
  return ACTIVE_RUN_STATES.includes(state);
}

/** Whether a worker has the run. */
export function isHeldRun(state: RunState): boolean {
  return state === 'waiting' || state === 'running';
}

/**
 * What becomes of a run whose worker has not been heard of: before the workflow has begun another worker may take it, but
 * what a workflow has done to a machine once is not done again unasked.
 */
export function afterSilence(state: RunState): 'give_back' | 'interrupt' | undefined {
  if (state === 'waiting') return 'give_back';
  return state === 'running' ? 'interrupt' : undefined;
}
