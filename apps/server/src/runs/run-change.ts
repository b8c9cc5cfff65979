import type { RunEntity, RunError, RunHistoryEntry } from './run.entity.js';
import { isActiveRun, nextRunState, type RunEvent } from './run-state.js';

/** A change of a run, decided from the run as it is. */
export interface RunChange {
  readonly event: RunEvent;
  readonly set?: Partial<RunEntity> | undefined;
  /** For the history: what happened. */
  readonly message?: string | undefined;
}

/** The columns that a change sets. */
export type RunColumns = Partial<RunEntity> & Pick<RunEntity, 'state'> & { readonly entry: RunHistoryEntry };

/** The columns that a change sets, or undefined when the run's state does not allow it. */
export function applyRunChange(run: RunEntity, change: RunChange, now: Date): RunColumns | undefined {
  const state = nextRunState(run.state, change.event);
  if (state === undefined) return undefined;
  const entry = { at: now.toISOString(), state, message: change.message };
  return { ...change.set, state, ...(isActiveRun(state) ? {} : { finishedAt: now }), entry };
}

/** A worker takes the run. */
export function takeRun(workerId: string, now: Date): RunChange {
  return { event: 'take', set: { workerId, heartbeatAt: now } };
}

/** A worker lets go of a run of which nothing has been carried out yet. */
export function giveRunBack(message: string): RunChange {
  return { event: 'give_back', set: { workerId: null, heartbeatAt: null }, message };
}

/** The run ends without success; `set` is what is known of it all the same. */
export function endRun(
  event: 'fail' | 'cancel' | 'interrupt',
  error: RunError,
  set: Partial<RunEntity> = {},
): RunChange {
  return { event, set: { ...set, error }, message: error.message };
}
