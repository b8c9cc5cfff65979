/** Child processes of the lab: every one dies with the lab, and is ended by its own process id. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

/** Runs a command to its end; throws with its error output when it fails. Returns standard output. */
export function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20 });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${status}: ${stderr.trim()}`);
  return stdout;
}

/** A command that ends with the lab, even when the lab is killed. */
export function start(
  argv: readonly string[],
  options: { logFile: string; env?: NodeJS.ProcessEnv; stdin?: 'pipe' },
): ChildProcess {
  const child = spawn('setpriv', ['--pdeathsig=KILL', '--', ...argv], {
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    env: options.env ?? process.env,
  });
  const log = createWriteStream(options.logFile, { flags: 'a' });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  child.once('close', () => log.end());
  child.once('error', (error) => log.end(`${error.message}\n`));
  return child;
}

/** Ends a child: politely first, then at once after the time limit. Returns its exit code, or the signal's name. */
export async function stop(
  child: ChildProcess,
  signal: NodeJS.Signals = 'SIGTERM',
  limitMs = 10_000,
): Promise<number | string> {
  if (child.exitCode === null && child.signalCode === null) {
    const closed = once(child, 'close');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
    await closed;
    clearTimeout(timer);
  }
  return child.exitCode ?? child.signalCode ?? 'unknown';
}

/** Asks `look` again and again until it gives something; fails with `what` after the time limit. */
export async function eventually<T>(
  what: string | (() => string),
  limitMs: number,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  pauseMs = 200,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > end) {
      throw new Error(`not within ${limitMs / 1000} s: ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
