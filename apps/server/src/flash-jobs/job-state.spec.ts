import { FLASH_JOB_STATES, type FlashJobState } from '@bty/wire-types';
import { describe, expect, it } from 'vitest';
import { afterStall, isActive, isHeld, JOB_EVENTS, type JobEvent, nextState, stalledMs } from './job-state.js';

type Row = Record<JobEvent, FlashJobState | '-'>;

function row(hand_out: FlashJobState | '-', ...rest: (FlashJobState | '-')[]): Row {
  const [stage = '-', succeed = '-', fail = '-', cancel = '-', give_back = '-'] = rest;
  return { hand_out, stage, succeed, fail, cancel, give_back };
}

const TABLE: Record<FlashJobState, Row> = {
  //               hand_out      stage      succeed      fail      cancel       give_back
  queued: /*    */ row('dispatched', '-', '-', 'failed', 'cancelled', '-'),
  dispatched: /**/ row('dispatched', 'running', 'succeeded', 'failed', 'cancelled', 'queued'),
  running: /*   */ row('dispatched', 'running', 'succeeded', 'failed', 'cancelled', 'queued'),
  succeeded: /* */ row('-'),
  failed: /*    */ row('-'),
  cancelled: /* */ row('-'),
};

describe('nextState', () => {
  const cases = FLASH_JOB_STATES.flatMap((state) =>
    JOB_EVENTS.map((event) => [state, event, TABLE[state][event]] as const),
  );

  it.each(cases)('%s + %s = %s', (state, event, expected) => {
    expect(nextState(state, event) ?? '-').toBe(expected);
  });
});

describe('isActive and isHeld', () => {
  it('count the states before the end, and those in which an agent has the job', () => {
    expect(FLASH_JOB_STATES.filter(isActive)).toEqual(['queued', 'dispatched', 'running']);
    expect(FLASH_JOB_STATES.filter(isHeld)).toEqual(['dispatched', 'running']);
  });
});

describe('afterStall', () => {
  it('gives a job back until its fifth attempt', () => {
    expect([1, 4, 5, 6].map(afterStall)).toEqual(['give_back', 'give_back', 'fail', 'fail']);
  });
});

describe('stalledMs', () => {
  const at = (seconds: number) => new Date(seconds * 1000);

  it('counts from the last progress while the server was up', () => {
    expect(stalledMs(at(100), at(70), at(0))).toBe(30_000);
  });

  it('does not count the time in which the server was down', () => {
    expect(stalledMs(at(1000), at(70), at(990))).toBe(10_000);
  });
});
