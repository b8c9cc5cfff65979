import { describe, expect, it } from 'vitest';
import { judgeStories } from './story-budget.ts';

describe('judgeStories', () => {
  it('is silent within one and a half budgets, warns above, and fails above three', () => {
    const stories = [
      { name: 'quick', seconds: 15 },
      { name: 'slow', seconds: 16 },
      { name: 'stuck', seconds: 31 },
      { name: 'new', seconds: 1 },
    ];
    const { lines, overruns } = judgeStories(stories, { quick: 10, slow: 10, stuck: 10 });
    expect(overruns).toEqual(['stuck']);
    expect(lines).toEqual([
      'slowest stories, against their budgets:',
      '    31.0 s of   10 s  stuck  OVERRUN',
      '    16.0 s of   10 s  slow  warning: slow',
      '    15.0 s of   10 s  quick',
      '     1.0 s of    - s  new  no budget',
    ]);
  });

  it('lists the ten slowest, and every story that is over its budget', () => {
    const stories = Array.from({ length: 12 }, (_, index) => ({ name: `s${index}`, seconds: 100 - index }));
    const { lines } = judgeStories(stories, { ...Object.fromEntries(stories.map((one) => [one.name, 100])), s11: 50 });
    expect(lines).toHaveLength(1 + 10 + 1);
    expect(lines.at(-1)).toContain('s11  warning: slow');
  });
});
