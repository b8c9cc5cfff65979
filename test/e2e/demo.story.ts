import { it } from 'vitest';
import { demoReachesLogin } from './demo-run.ts';

it('script/demo --once --json prints the timeline from power-on to login', () => demoReachesLogin('bios'));
