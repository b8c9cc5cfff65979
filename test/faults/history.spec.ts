import { describe, expect, it } from 'vitest';
import { type Job, judgeEvents, judgeHistory, judgeLease, judgeMachine } from './history.ts';

/** A history as words: `queued0 dispatched1 running1:writing succeeded1`. */
function job(words: string, fields: Partial<Job> = {}): Job {
  const history = words.split(' ').map((word) => {
    const [, state = '', epoch, stage = null] = /^([a-z]+)(\d+)(?::(\w+))?$/.exec(word) ?? [];
    return { state, epoch: Number(epoch), stage };
  });
  const { state = '', epoch = 0 } = history.at(-1) ?? {};
  const times = { created_at: '2026-01-01T00:00:00.000Z', finished_at: null };
  return { id: 'one', mac: '52:54:00:00:00:01', state, epoch, history, ...times, ...fields };
}

const GOOD = 'queued0 dispatched1 running1:writing running1:committing succeeded1';
const TWICE = 'queued0 dispatched1 running1:writing queued1 dispatched2 dispatched3 running3:committing succeeded3';

describe('a history', () => {
  it.each([GOOD, TWICE, 'queued0', 'queued0 cancelled0', 'queued0 dispatched1 failed1'])('is good: %s', (words) => {
    expect(judgeHistory(job(words))).toEqual([]);
  });

  it.each([
    ['goes on after its end', `${GOOD} running1:writing`, 'I9: succeeded'],
    ['ends twice', 'queued0 dispatched1 failed1 failed1', 'I9: failed'],
    ['begins in the middle', 'dispatched1 failed1', 'I9: the history does not begin'],
    ['goes back to an old attempt', 'queued0 dispatched1 dispatched2 running1:writing', 'I2: an attempt'],
    ['is handed out twice as one attempt', 'queued0 dispatched1 dispatched1', 'I2: an attempt'],
    ['has an attempt that nobody handed out', 'queued0 dispatched1 running2:writing', 'I2: an attempt'],
    ['succeeds without a grant', 'queued0 dispatched1 running1:writing succeeded1', 'I2: epoch 1 succeeded'],
    [
      'succeeds by the grant of another attempt',
      'queued0 dispatched1 running1:committing dispatched2 succeeded2',
      'I2',
    ],
  ])('is bad when it %s', (_name, words, violation) => {
    expect(judgeHistory(job(words))).toContainEqual(expect.stringContaining(violation));
  });

  it('is bad when the job is not where it ends', () => {
    expect(judgeHistory(job(GOOD, { state: 'running' }))).toContainEqual(
      expect.stringContaining('I9: the history ends'),
    );
  });
});

describe('events', () => {
  const all = ['created', 'dispatched', 'running', 'succeeded'].map((what) => `flash-job.${what}`);

  it('are one for each change of state', () => {
    expect(judgeEvents(job(GOOD), all)).toEqual([]);
  });

  it.each([
    ['lost', all.slice(0, 3)],
    ['doubled', [...all, all[3] ?? '']],
    ['of another order', all.toReversed()],
  ])('are bad when one is %s', (_name, actions) => {
    expect(judgeEvents(job(GOOD), actions)).toHaveLength(1);
  });
});

describe('the jobs of a machine', () => {
  const first = job(GOOD, { finished_at: '2026-01-01T00:01:00.000Z' });

  it('come one after the other', () => {
    const second = job('queued0', { id: 'two', created_at: '2026-01-01T00:01:00.000Z' });
    expect(judgeMachine([second, first])).toEqual([]);
  });

  it('are bad when they overlap', () => {
    const second = job('queued0', { id: 'two', created_at: '2026-01-01T00:00:59.000Z' });
    expect(judgeMachine([first, second])).toHaveLength(1);
    expect(judgeMachine([job('queued0'), second])).toHaveLength(1);
  });
});

describe('a job that was accepted', () => {
  const moved = new Date('2026-01-01T00:00:00Z');
  const later = new Date('2026-01-01T00:00:11Z');

  it.each(['queued0', GOOD, 'queued0 cancelled0'])('may wait or have ended: %s', (words) => {
    expect(judgeLease(job(words), moved, later, 10_000)).toEqual([]);
  });

  it('is lost when it is held and nobody has moved it for too long', () => {
    expect(judgeLease(job('queued0 dispatched1'), moved, later, 11_000)).toEqual([]);
    expect(judgeLease(job('queued0 dispatched1'), moved, later, 10_000)).toHaveLength(1);
  });
});
