import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock/manual-clock.fake.js';
import { ndjsonView, textView } from './progress-view.js';

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
    view.done({ verify: 'full' });
    expect(lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { event: 'started', total_bytes: 100 },
      { event: 'writing' },
      { event: 'progress', stage: 'writing', bytes_done: 10, bytes_total: 100, bytes_per_second: 0 },
      { event: 'progress', stage: 'writing', bytes_done: 40, bytes_total: 100, bytes_per_second: 100 },
      { event: 'synced' },
      { event: 'done', result: { verify: 'full' } },
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
      view.done({});
      return text;
    };
    expect(shown(false)).toBe('writing\ndone\n');
    expect(shown(true)).toBe('writing\n\r\x1b[Kwriting 25 %  50 B of 200 B  0 B/s\r\x1b[Kdone\n');
  });
});
