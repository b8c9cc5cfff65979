import { expect, it } from 'vitest';
import { demoReachesLogin } from '../demo-run.ts';

it('script/demo --once --json --provision cloud-init logs in to what cloud-init has made', async () => {
  const { provisioning, checks, figures } = await demoReachesLogin('bios', '--provision', 'cloud-init');
  expect([provisioning, checks.length]).toEqual(['cloud-init', 4]);
  expect(figures).toEqual({ 'provisioning of the flashed disk': expect.any(Number) });
});

it('script/demo --once --json --provision cijoe boots what a workflow has edited', async () => {
  const { provisioning, checks } = await demoReachesLogin('bios', '--provision', 'cijoe');
  expect([provisioning, checks.length]).toEqual(['cijoe', 2]);
});

it('script/demo --once --json --drift shows the run, the baseline and the drift', async () => {
  const { provisioning, checks, events } = await demoReachesLogin('bios', '--drift');
  expect(provisioning).toBe('cijoe-online');
  expect(checks.filter((check) => check.startsWith('drift, '))).toHaveLength(3);
  expect(events.at(-1)?.event).toBe('drift check: they were put back');
});
