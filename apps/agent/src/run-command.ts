import { spawn } from 'node:child_process';
import { BtyError } from '@bty/wire-types';

/** What a helper process left behind. Output beyond the limit is cut off. */
export interface CommandResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

const MAX_OUTPUT_BYTES = 1024 * 1024;

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: it ended by itself just now.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

class BoundedText {
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  add(part: Buffer): void {
    const kept = part.subarray(0, MAX_OUTPUT_BYTES - this.#bytes);
    this.#bytes += kept.length;
    this.#parts.push(kept);
  }

  toString(): string {
    return Buffer.concat(this.#parts).toString('utf8');
  }
}

/** Where a program runs, and what it sees, when that is not as here. */
export interface CommandPlace {
  cwd?: string;
  env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs a helper program without a shell and waits at most `timeoutMs`, then kills its whole process group and goes on,
 * even when the process hangs in the kernel. Any exit code is a result; a missing program or a timeout throws `INTERNAL`.
 */
export function runCommand(
  program: string,
  args: readonly string[],
  timeoutMs: number,
  place: CommandPlace = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...place, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const stdout = new BoundedText();
    const stderr = new BoundedText();
    const timer = setTimeout(() => {
      killGroup(child.pid);
      child.unref();
      const details = { program, args };
      reject(new BtyError('INTERNAL', `${program} did not end within ${timeoutMs / 1000} s`, { details }));
    }, timeoutMs);
    child.stdout.on('data', (part: Buffer) => stdout.add(part));
    child.stderr.on('data', (part: Buffer) => stderr.add(part));
    child.on('error', (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const why = cause.code === 'ENOENT' ? 'is not installed' : `cannot be started: ${cause.message}`;
      reject(new BtyError('INTERNAL', `the program ${program} ${why}`, { cause, details: { program } }));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const exitCode = code ?? 128 + (signal === 'SIGKILL' ? 9 : 15);
      resolve({ exitCode, stdout: stdout.toString(), stderr: stderr.toString() });
    });
  });
}
