import { expect, it } from 'vitest';
import { demoReachesLogin } from './demo-run.ts';

it('script/demo --once --json prints the timeline from power-on to login', async () => {
  const { provisioning, checks, events } = await demoReachesLogin('bios');
  expect([provisioning, checks]).toEqual(['none', []]);
  expect(events.at(-1)?.event).toMatch(/^login prompt/);
});
