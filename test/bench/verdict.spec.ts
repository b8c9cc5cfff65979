import { describe, expect, it } from 'vitest';
import type { Outcome } from './contest.ts';
import { judgeRow, type RowSpec } from './verdict.ts';

const row: RowSpec = { name: 'reflash', title: 're-flash', ours: 'bty', peers: ['dd', 'bmaptool'], target: 0.5 };
const outcome = (tool: string, seconds: number[], problem?: string): Outcome => ({
  tool,
  runs: seconds.map((each) => ({ seconds: each, readBackSeconds: 1, peakRssBytes: each * 100 })),
  ...(problem !== undefined && { problem }),
});

describe('judgeRow', () => {
  it('compares medians with the fastest peer that ended correct', () => {
    const result = judgeRow(row, [
      outcome('bty', [1, 1.2, 9]),
      outcome('dd', [4, 3, 5]),
      outcome('bmaptool', [1, 1, 1], 'differs at byte 7'),
    ]);
    expect(result).toMatchObject({ ours: 1.2, bar: 'dd', ratio: 0.3, met: true, ours_peak_rss_bytes: 900 });
    expect(result.peers).toMatchObject([
      { tool: 'dd', seconds: 4, runs: 3, problem: null },
      { tool: 'bmaptool', seconds: 1, problem: 'differs at byte 7' },
    ]);
  });

  it('adds the hashing of the disk to the peers alone', () => {
    const both = [outcome('bty', [1]), outcome('dd', [3])];
    expect(judgeRow({ ...row, withReadBack: true }, both).ratio).toBe(0.25);
  });

  it.each([
    ['ours was wrong', [outcome('bty', [1], 'differs'), outcome('dd', [9])]],
    ['ours never ran', [outcome('bty', [], 'exit 1'), outcome('dd', [9])]],
    ['ours is missing', [outcome('dd', [9])]],
    ['no peer was right', [outcome('bty', [1]), outcome('dd', [9], 'differs')]],
  ])('meets nothing when %s', (_, outcomes) => {
    expect(judgeRow(row, outcomes)).toMatchObject({ ratio: null, met: false });
  });

  it('misses a target by a hair, and has no verdict without one', () => {
    expect(judgeRow(row, [outcome('bty', [2.01]), outcome('dd', [4])]).met).toBe(false);
    const { target: _, ...printed } = row;
    expect(judgeRow(printed, [outcome('bty', [2]), outcome('dd', [4])]).met).toBeNull();
  });

  it('lets a tool that is only shown set no bar', () => {
    const result = judgeRow({ ...row, peers: ['dd'], shown: ['fast'] }, [
      outcome('bty', [1]),
      outcome('dd', [4]),
      outcome('fast', [0.1]),
    ]);
    expect(result.bar).toBe('dd');
    expect(result.peers.map(({ tool }) => tool)).toEqual(['dd', 'fast']);
  });
});
