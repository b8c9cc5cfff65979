/** One run of the demo, as the README tells a newcomer to make it. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import type { Timeline } from '../demo/timeline.ts';

const DEMO = join(import.meta.dirname, '../../script/demo');

/** Runs `script/demo --once --json` with further options and judges the timeline that it prints. */
export async function demoReachesLogin(firmware: 'bios' | 'uefi', ...options: string[]): Promise<Timeline> {
  const { stdout } = await promisify(execFile)(DEMO, ['--once', '--json', ...options]);
  const timeline = JSON.parse(stdout) as Timeline;
  expect(timeline.firmware).toBe(firmware);
  expect(timeline.events[0]?.event).toMatch(/^live env/);
  expect(timeline.events.map(({ event }) => event)).toContainEqual(expect.stringMatching(/^login prompt/));
  const seconds = timeline.events.map((event) => event.seconds);
  expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
  expect(timeline.flash.bytes_verified).toBeGreaterThanOrEqual(512 * 2 ** 20);
  return timeline;
}
