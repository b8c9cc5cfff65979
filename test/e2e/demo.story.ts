import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('script/demo --once --json prints the timeline from power-on to login', async () => {
  const { stdout } = await promisify(execFile)(join(import.meta.dirname, '../../script/demo'), ['--once', '--json']);
  const timeline = JSON.parse(stdout) as {
    events: { event: string; seconds: number }[];
    flash: { bytes_verified: number };
  };
  expect(timeline.events[0]?.event).toMatch(/^live env/);
  expect(timeline.events.at(-1)?.event).toMatch(/^login prompt/);
  const seconds = timeline.events.map((event) => event.seconds);
  expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
  expect(timeline.flash.bytes_verified).toBeGreaterThanOrEqual(512 * 2 ** 20);
});
