import { spawn } from 'node:child_process';
import { BUNDLE } from './built-agent.js';

/** How a run of the command ended. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
/** A module that gives root's rights away before the command runs. */
export const DROP_ROOT = 'data:text/javascript,process.setgroups([]);process.setgid(65534);process.setuid(65534)';

/** Runs the command, by default as it is built, without blocking the servers of a test. */
export async function bty(
  args: readonly string[],
  env: Record<string, string> = {},
  program: readonly string[] = [process.execPath, BUNDLE],
): Promise<Ended> {
  const [file = '', ...before] = program;
  const child = spawn(file, [...before, ...args], { cwd: '/', env: { PATH: SYSTEM_PATH, ...env } });
  const ended: Ended = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (text: Buffer) => {
    ended.stdout += text.toString();
  });
  child.stderr.on('data', (text: Buffer) => {
    ended.stderr += text.toString();
  });
  ended.code = await new Promise((resolve) => child.on('close', resolve));
  return ended;
}

/** The one document on standard output; fails when something else is there, too. */
export function documentOf({ stdout }: Ended): Record<string, unknown> {
  const [line = '', ...rest] = stdout.split('\n');
  if (rest.join('') !== '') throw new Error(`more than one document: ${stdout}`);
  return JSON.parse(line) as Record<string, unknown>;
}
