/** script/bench server: loads a real server on its embedded Postgres, and prints its figures. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeMachine } from '../machine.ts';
import { measureAgents } from './agents.ts';
import { type Figure, figureText } from './figures.ts';
import { Fleet } from './fleet.ts';
import { ROWS } from './rows.ts';

const AGENTS_ROW = 'agents';
/** More than any flash of the bench; otherwise 200 flashes at once would wait for each other. */
const SETTINGS = { BTY_MAX_FLASHES: '0', BTY_NO_PROGRESS_TIMEOUT: '600' };

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    minutes: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '20' },
    row: { type: 'string', multiple: true, default: [] },
  },
});
const [minutes, seconds] = [Number(options.minutes), Number(options.seconds)];
if (!(minutes > 0) || !(seconds > 0)) throw new Error('--minutes and --seconds take a number above 0');
const names = [...ROWS.map(({ name }) => name), AGENTS_ROW];
const unknown = options.row.filter((name) => !names.includes(name));
if (unknown.length > 0) throw new Error(`no row is called ${unknown.join(', ')}: ${names.join(' ')}`);
const wanted = (name: string): boolean => options.row.length === 0 || options.row.includes(name);
const tell = (line: string): void => void process.stderr.write(`${line}\n`);

const figures: Figure[] = [];
function show(measured: readonly Figure[]): void {
  figures.push(...measured);
  for (const figure of measured) process.stdout.write(`${figureText(figure)}\n`);
  // after every row: what was measured before an interruption is not lost
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
}

process.stdout.write(`${describeMachine()}; the load comes from the same machine\n\n`);
const fleet = await Fleet.start(SETTINGS);
try {
  for (const row of ROWS.filter(({ name }) => wanted(name))) {
    tell(`-- ${row.name}`);
    show(await row.measure(fleet, { seconds }));
  }
  if (wanted(AGENTS_ROW)) {
    tell(`-- ${AGENTS_ROW}: ${minutes} min`);
    show(await measureAgents(fleet, minutes, tell));
  }
} finally {
  await fleet.stop();
}
process.stdout.write(`\n${figures.filter(({ met }) => met).length} of ${figures.length} targets met\n`);
