import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock/manual-clock.fake.js';
import { ndjsonView, textView } from './progress-view.js';

const ACCOUNT = {
  bytes_fetched: 0,
  bytes_written: 1_000_000_000,
  bytes_skipped: 0,
  bytes_zeroed: 0,
  bytes_verified: 2_000_000_000,
  verify: 'full' as const,
  strategy: 'compare' as const,
  strategy_reason: '',
  bottleneck: 'disk' as const,
  duration_ms: 125_000,
  stage_ms: {},
  gpt_relocated: false,
  peak_rss_bytes: 0,
};

describe('progress as ndjson', () => {
  it('is one object a line, with at most four of a stage a second', async () => {
    const lines: string[] = [];
    const clock = new ManualClock();
    const view = ndjsonView((text) => void lines.push(text), clock);
    view.started(100);
    view.stage('writing');
    view.progress(10, 100);
    view.progress(20, 100);
    await clock.pass(300);
    view.progress(40, 100);
    view.synced();
    view.done(ACCOUNT);
    expect(lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { event: 'started', total_bytes: 100 },
      { event: 'writing' },
      { event: 'progress', stage: 'writing', bytes_done: 10, bytes_total: 100, bytes_per_second: 0 },
      { event: 'progress', stage: 'writing', bytes_done: 40, bytes_total: 100, bytes_per_second: 100 },
      { event: 'synced' },
      { event: 'done', result: ACCOUNT },
    ]);
  });
});

describe('progress as text', () => {
  it('is a line a stage, and draws over one line on a terminal alone', () => {
    const shown = (terminal: boolean): string => {
      let text = '';
      const view = textView(
        (more) => {
          text += more;
        },
        terminal,
        new ManualClock(),
      );
      view.stage('writing');
      view.progress(50, 200);
      view.done(ACCOUNT);
      return text;
    };
    const done = 'done: written 1.0 GB, zeroed 0 B, right already 0 B, read back and right 2.0 GB; took 2 min 5 s\n';
    expect(shown(false)).toBe(`writing\n${done}`);
    expect(shown(true)).toBe(`writing\n\r\x1b[Kwriting 25 %  50 B of 200 B  0 B/s\r\x1b[K${done}`);
  });
});
