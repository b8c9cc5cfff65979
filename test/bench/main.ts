/** script/bench flash: runs the chosen rows and prints what came out. Runs in a network and mount namespace of its own. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Bench } from './bench.ts';
import { alternate, type Outcome } from './contest.ts';
import { describeMachine } from './machine.ts';
import { rowText, summaryText } from './report.ts';
import { ROWS, type Row, SLOW_TOOLS } from './rows.ts';
import { judgeRow, type RowResult } from './verdict.ts';
import { type Wanted, type Work, workOf } from './works.ts';

const SPARE_MEMORY = 2 * 2 ** 30;

const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '' },
    python: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    row: { type: 'string', multiple: true, default: [] },
  },
});
const rounds = options.quick ? 3 : 5;
const tell = (line: string): void => void process.stderr.write(`${line}\n`);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interrupted.abort(new Error(`ended by ${signal}`)));
}

function chosenRows(): readonly Row[] {
  const unknown = options.row.filter((name) => !ROWS.some((row) => row.name === name));
  if (unknown.length > 0)
    throw new Error(`no row is called ${unknown.join(', ')}: ${ROWS.map((row) => row.name).join(' ')}`);
  if (options.row.length > 0) return ROWS.filter((row) => options.row.includes(row.name));
  return ROWS.filter((row) => !options.quick || row.quick === true);
}

/** Why bty's server has not what the work needs; undefined when it has. Its peers are measured all the same. */
async function offerAll(bench: Bench, work: Work): Promise<string | undefined> {
  try {
    for (const image of work.offers) await bench.offer(image);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Why the work cannot be done on this machine now; undefined when it can. */
function obstacle(bench: Bench, work: Work): string | undefined {
  const [needed, free] = [work.diskBytes + SPARE_MEMORY, bench.freeMemoryBytes()];
  const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
  return free < needed ? `needs ${gib(needed)} GiB of free memory, there are ${gib(free)}` : undefined;
}

const unable = (tools: Iterable<string>, problem: string): Outcome[] =>
  [...tools].map((tool) => ({ tool, runs: [], problem }));

async function compete(bench: Bench, work: Work, wanted: Wanted): Promise<Outcome[]> {
  const contest = await work.open(bench, wanted);
  try {
    return await alternate(contest, Math.min(rounds, work.rounds ?? rounds), tell, interrupted.signal);
  } finally {
    await contest.close();
  }
}

async function measure(bench: Bench, name: string, rows: readonly Row[]): Promise<readonly Outcome[]> {
  const work = workOf(name);
  const ours = new Set(rows.map((row) => row.ours));
  const tools = new Set(rows.flatMap((row) => [row.ours, ...row.peers, ...(row.shown ?? [])]));
  const problem = obstacle(bench, work);
  if (problem !== undefined) return unable(tools, problem);
  const refused = await offerAll(bench, work);
  const isWanted = (tool: string): boolean =>
    tools.has(tool) && !(options.quick && SLOW_TOOLS.includes(tool)) && !(refused !== undefined && ours.has(tool));
  const readBack = rows.some((row) => row.withReadBack === true);
  try {
    const outcomes = await compete(bench, work, { isWanted, readBack });
    return refused === undefined ? outcomes : [...outcomes, ...unable(ours, refused)];
  } catch (error) {
    interrupted.signal.throwIfAborted();
    return unable(tools, error instanceof Error ? error.message : String(error));
  }
}

async function runRows(bench: Bench, rows: readonly Row[]): Promise<RowResult[]> {
  const measured = new Map<string, readonly Outcome[]>();
  const results: RowResult[] = [];
  for (const row of rows) {
    const sameWork = rows.filter(({ work }) => work === row.work);
    if (!measured.has(row.work)) {
      tell(`-- ${row.work}`);
      measured.set(row.work, await measure(bench, row.work, sameWork));
    }
    const result = judgeRow(row, measured.get(row.work) ?? []);
    results.push(result);
    process.stdout.write(`${rowText(result)}\n\n`);
    // after every row: what was measured before an interruption is not lost
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
  }
  return results;
}

const rows = chosenRows();
const began = performance.now();
const bench = new Bench({ imagesDir: options.images, python: options.python, tell });
let done = false;
try {
  process.stdout.write(`${describeMachine()}, ${rounds} rounds\n\n`);
  await bench.ready();
  const results = await runRows(bench, rows);
  process.stdout.write(`${summaryText(results)}\n`);
  tell(`done in ${Math.round((performance.now() - began) / 1000)} s`);
  done = true;
} finally {
  await bench.stop({ keep: !done });
  if (!done) tell(`logs are kept in ${bench.workDir}`);
}
