/** Runs the suites of script/test one after the other, judges the stories' times, and sums up. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLOUD_INIT_IMAGE, DEMO_IMAGE, LIVE_ENV } from '../../test/lab/builds.ts';
import { type Budget, judgeStories, type Story } from './story-budget.ts';

const size = process.argv[2] ?? '--landing';
const folder = mkdtempSync(join(tmpdir(), 'bty-reports-'));
const total = { passed: 0, failed: 0, skipped: 0 };
const suites: { name: string; seconds: number }[] = [];

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  testResults: { name: string; startTime: number; endTime: number; status: string; assertionResults: unknown[] }[];
}

function count(passed: boolean, what: string): void {
  total[passed ? 'passed' : 'failed'] += 1;
  console.error(`${passed ? 'ok    ' : 'FAILED'} ${what}`);
}

/** A check that is one command: its exit code is the verdict. */
function check(what: string, command: string, ...args: string[]): void {
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  count(status === 0, what);
}

function vitest(...projects: string[]): VitestReport | undefined {
  const started = performance.now();
  const file = join(folder, `${projects.join('+')}.json`);
  const { status } = spawnSync(
    'vitest',
    [
      'run',
      ...projects.flatMap((name) => ['--project', name]),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as VitestReport;
    total.passed += report.numPassedTests;
    total.failed += report.numFailedTests;
    total.skipped += report.numPendingTests;
    // a file that cannot even be loaded has no tests that could fail
    const broken = report.testResults.filter((one) => one.status === 'failed' && one.assertionResults.length === 0);
    for (const one of broken) count(false, one.name);
    if (status !== 0 && report.numFailedTests + broken.length === 0)
      count(false, `vitest ${projects.join(', ')}: exit ${status}`);
    return report;
  } catch {
    count(false, `vitest ${projects.join(', ')}: no report`);
    return undefined;
  } finally {
    suites.push({ name: projects.join(', '), seconds: (performance.now() - started) / 1000 });
  }
}

function storiesOf(report: VitestReport): Story[] {
  return report.testResults.map(({ name, startTime, endTime }) => ({
    name: name.replace(/^.*\//, '').replace(/\.(story|deploy-spec)\.ts$/, ''),
    seconds: (endTime - startTime) / 1000,
  }));
}

/**
 * What the stories boot takes minutes to build: it is begun beside the checks, which use one processor. The stories' set-up
 * asks for it again, waits for the end, and says what has failed.
 */
function beginImages(): void {
  const commands = [LIVE_ENV, DEMO_IMAGE, CLOUD_INIT_IMAGE].map((words) => words.map((word) => `'${word}'`).join(' '));
  spawn('sh', ['-c', commands.join('; ')], { stdio: 'ignore' }).unref();
}

const began = performance.now();
if (size !== '--fast') beginImages();
check('format, lint, types, import rules, dead code', 'npm', 'run', '--silent', 'lint');
check('docs/openapi.json is what the server says', 'npm', 'run', '--silent', 'openapi:check');
check('migrations and entities agree', 'npm', 'run', '--silent', 'db:check');
vitest('unit', 'integration');
if (size !== '--fast') {
  vitest('processes');
  vitest('redis');
  vitest('workflows');
  vitest('random');
  vitest('faults');
  const stories = size === '--all' ? vitest('stories', 'every-case') : vitest('stories');
  // After the stories, which build the live env that it takes over.
  const deployed = size === '--all' ? vitest('deploy', 'deploy-every-case') : vitest('deploy');
  const reports = [stories, deployed].filter((report) => report !== undefined);
  if (reports.length > 0) {
    const budgets = JSON.parse(readFileSync('test/e2e/budgets.json', 'utf8')) as Budget;
    const { lines, overruns } = judgeStories(reports.flatMap(storiesOf), budgets);
    for (const line of lines) console.error(line);
    for (const story of overruns) count(false, `${story} took more than three times its budget`);
  }
}
mkdirSync('.bty', { recursive: true });
writeFileSync(
  '.bty/last-test.json',
  `${JSON.stringify({ size, ...total, seconds: Math.round((performance.now() - began) / 1000) })}\n`,
);
rmSync(folder, { recursive: true, force: true });
for (const { name, seconds } of suites) console.error(`${seconds.toFixed(0).padStart(6)} s  ${name}`);
console.error(`script/test ${size}: ${Math.round((performance.now() - began) / 1000)} s`);
if (total.skipped > 0) console.error(`${total.skipped} skipped`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
