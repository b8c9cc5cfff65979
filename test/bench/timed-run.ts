import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Run } from './contest.ts';

// A tool that hangs is a result too, and must not hold the others up.
const TIMEOUT_S = 300;

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-2).join(' | ').slice(-300);
}

/**
 * Runs a command to its end and times it from outside. Its output goes to the file, its error output to the one beside it
 * with `.err`. Throws with the end of the latter when it fails.
 */
export async function timedRun(argv: readonly string[], outputFile: string): Promise<Run> {
  const memoryFile = `${outputFile}.kib`;
  const [output, errors] = [openSync(outputFile, 'w'), openSync(`${outputFile}.err`, 'w')];
  const guard = ['--pdeathsig=KILL', '--', 'timeout', '--kill-after=5', String(TIMEOUT_S)];
  const began = performance.now();
  const child = spawn('setpriv', [...guard, 'time', '--format=%M', `--output=${memoryFile}`, ...argv], {
    stdio: ['ignore', output, errors],
  });
  for (const file of [output, errors]) closeSync(file);
  const [code] = (await once(child, 'exit')) as [number | null];
  const seconds = (performance.now() - began) / 1000;
  if (code !== 0) {
    throw new Error(
      `${code === 124 ? `not done in ${TIMEOUT_S} s` : `exit ${code}`}: ${lastLines(`${outputFile}.err`)}`,
    );
  }
  const kib = Number(readFileSync(memoryFile, 'utf8').trim().split('\n').at(-1));
  return { seconds, peakRssBytes: kib * 1024 };
}
