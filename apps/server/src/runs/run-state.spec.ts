import { describe, expect, it } from 'vitest';
import {
  ACTIVE_RUN_STATES,
  afterSilence,
  isHeldRun,
  nextRunState,
  RUN_EVENTS,
  RUN_STATES,
  type RunState,
} from './run-state.js';

type Next = RunState | '-';

//                         take       start      succeed      fail      cancel       interrupt      give_back
const TABLE: Record<RunState, [Next, Next, Next, Next, Next, Next, Next]> = {
  queued: /*     */ ['waiting', '-', '-', 'failed', 'cancelled', '-', '-'],
  waiting: /*    */ ['-', 'running', '-', 'failed', 'cancelled', '-', 'queued'],
  running: /*    */ ['-', '-', 'succeeded', 'failed', 'cancelled', 'interrupted', '-'],
  succeeded: /*  */ ['-', '-', '-', '-', '-', '-', '-'],
  failed: /*     */ ['-', '-', '-', '-', '-', '-', '-'],
  cancelled: /*  */ ['-', '-', '-', '-', '-', '-', '-'],
  interrupted: /**/ ['-', '-', '-', '-', '-', '-', '-'],
};

describe('nextRunState', () => {
  const cases = RUN_STATES.flatMap((state) =>
    RUN_EVENTS.map((event, column) => [state, event, TABLE[state][column] as Next] as const),
  );

  it.each(cases)('%s + %s = %s', (state, event, expected) => {
    expect(nextRunState(state, event) ?? '-').toBe(expected);
  });
});

describe('the groups of states', () => {
  it('are those before the end, and those in which a worker has the run', () => {
    expect(ACTIVE_RUN_STATES).toEqual(['queued', 'waiting', 'running']);
    expect(RUN_STATES.filter(isHeldRun)).toEqual(['waiting', 'running']);
  });
});

describe('afterSilence', () => {
  it('takes up what has not begun, and never repeats a workflow', () => {
    expect(RUN_STATES.map((state) => afterSilence(state) ?? '-')).toEqual([
      '-',
      'give_back',
      'interrupt',
      '-',
      '-',
      '-',
      '-',
    ]);
  });
});
