import { it } from 'vitest';
import { demoReachesLogin } from '../demo-run.ts';

it('script/demo --once --json --firmware uefi prints the timeline from power-on to login', () =>
  demoReachesLogin('uefi', '--firmware', 'uefi'));
