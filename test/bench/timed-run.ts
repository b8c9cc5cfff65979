import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { start } from '../lab/process.ts';
import type { Run } from './contest.ts';

// A tool that hangs is a result too, and must not hold the others up.
const TIMEOUT_S = 300;

/** Runs a command to its end and times it from outside; throws with the end of its output when it fails. */
export async function timedRun(argv: readonly string[], outputFile: string): Promise<Run> {
  const memoryFile = `${outputFile}.kib`;
  const began = performance.now();
  const child = start(
    ['timeout', '--kill-after=5', String(TIMEOUT_S), 'time', '--format=%M', `--output=${memoryFile}`, ...argv],
    { logFile: outputFile },
  );
  await once(child, 'exit');
  const seconds = (performance.now() - began) / 1000;
  if (child.exitCode !== 0) {
    await once(child, 'close').catch(() => undefined);
    throw new Error(
      child.exitCode === 124 ? `not done in ${TIMEOUT_S} s` : `exit ${child.exitCode}: ${lastLines(outputFile)}`,
    );
  }
  const kib = Number(readFileSync(memoryFile, 'utf8').trim().split('\n').at(-1));
  return { seconds, peakRssBytes: kib * 1024 };
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-2).join(' | ').slice(-300);
}
