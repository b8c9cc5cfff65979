import { describe, expect, it } from 'vitest';
import { alternate, type Contestant } from './contest.ts';

describe('alternate', () => {
  it('resets before every run, begins every round with another tool, and drops a tool that ended wrong', async () => {
    const events: string[] = [];
    const contestant = (tool: string): Contestant => ({
      tool,
      run: async () => {
        events.push(tool);
        if (tool === 'breaks') throw new Error('exit 1');
        return { seconds: 1 };
      },
    });
    const outcomes = await alternate(
      {
        contestants: [contestant('good'), contestant('unequal'), contestant('breaks')],
        reset: async () => void events.push('reset'),
        judge: () => (events.at(-1) === 'unequal' ? 'differs at byte 7' : undefined),
      },
      2,
      () => {},
      new AbortController().signal,
    );
    expect(events).toEqual(['reset', 'good', 'reset', 'unequal', 'reset', 'breaks', 'reset', 'good']);
    expect(outcomes).toEqual([
      { tool: 'good', runs: [{ seconds: 1 }, { seconds: 1 }] },
      { tool: 'unequal', runs: [{ seconds: 1 }], problem: 'differs at byte 7' },
      { tool: 'breaks', runs: [], problem: 'exit 1' },
    ]);
  });
});
