import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { BtyError } from '@bty/wire-types';
import { FOLDER_PREFIX } from '../provision.js';

/** A program, and how long it may take. */
export interface ContainedProgram {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** None: until it ends by itself or is stopped. */
  readonly timeLimitMs: number | undefined;
  readonly onOutput: (part: Buffer) => void;
}

/** How a program ended. */
export interface ProgramEnd {
  /** Undefined when it was killed. */
  readonly exitCode: number | undefined;
  readonly stopped?: 'time' | 'aborted';
}

/** What contains a program, besides a shell. */
export const CONTAINING_TOOLS = ['setpriv', 'unshare'];

const KILL_PATIENCE_MS = 10_000;

// Goes first when memory runs out. Lets go of what other agents on this machine have mounted, which they could not take down
// while a copy of it is here.
const BEFORE = `
echo 1000 >/proc/self/oom_score_adj
while read -r _ _ _ _ point _; do
  case $point in
    "$BTY_ROOTFS" | "$BTY_ROOTFS"/*) ;;
    */${FOLDER_PREFIX}?????? | */${FOLDER_PREFIX}??????/*) umount -l "$point" 2>/dev/null ;;
  esac
done </proc/self/mountinfo
exec "$@"
`;

// In namespaces of its own for processes and mounts: when its first process is gone, so is all that it started, detached or
// not, and all that it mounted. It goes with the agent, too.
const CONTAIN = [
  ...['setpriv', '--pdeathsig', 'KILL', '--'],
  ...['unshare', '--mount', '--propagation', 'slave', '--pid', '--fork', '--kill-child', '--mount-proc', '--'],
  ...['sh', '-c', BEFORE, 'sh'],
] as const;

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: it ended by itself just now.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Kills the first process of the namespace, and with it all the others; whoever waits for it then tells that they are gone. */
async function killInside(pid: number): Promise<void> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const inside = children.split(' ').filter((text) => text !== '');
  for (const child of inside) kill(Number(child));
  if (inside.length === 0) kill(-pid);
}

async function ended(child: ChildProcess): Promise<number | undefined> {
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? undefined;
}

/**
 * Runs a program until it ends, its time is over, or the signal is aborted. When this resolves, all that it started has ended
 * and all that it mounted is unmounted. Throws PROVISIONING_FAILED when it cannot be started, or killed.
 */
export async function runContained(program: ContainedProgram, signal: AbortSignal): Promise<ProgramEnd> {
  signal.throwIfAborted();
  const [first, ...contain] = CONTAIN;
  const child = spawn(first, [...contain, ...program.argv], {
    cwd: program.cwd,
    env: { ...program.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let stopped: ProgramEnd['stopped'];
  let killing: Promise<void> | undefined;
  const gaveUp = Promise.withResolvers<never>();
  const stop = (reason: 'time' | 'aborted'): void => {
    if (stopped !== undefined || child.pid === undefined) return;
    stopped = reason;
    const { pid } = child;
    killing = killInside(pid);
    void sleep(KILL_PATIENCE_MS, undefined, { ref: false }).then(() => {
      if (child.exitCode === null && child.signalCode === null) kill(-pid);
      const message = `the workflow cannot be killed: something of it hangs in the kernel`;
      gaveUp.reject(new BtyError('PROVISIONING_FAILED', message));
    });
  };
  const abort = (): void => stop('aborted');
  const { timeLimitMs } = program;
  const deadline = timeLimitMs === undefined ? undefined : setTimeout(() => stop('time'), timeLimitMs);
  signal.addEventListener('abort', abort, { once: true });
  child.stdout.on('data', program.onOutput);
  child.stderr.on('data', program.onOutput);
  gaveUp.promise.catch(() => undefined);
  try {
    const exitCode = await Promise.race([ended(child), gaveUp.promise]);
    await killing;
    return stopped === undefined ? { exitCode } : { exitCode: undefined, stopped };
  } catch (error) {
    if (error instanceof BtyError) throw error;
    const message = `the workflow cannot be started: ${(error as Error).message}`;
    throw new BtyError('PROVISIONING_FAILED', message, { cause: error });
  } finally {
    clearTimeout(deadline);
    signal.removeEventListener('abort', abort);
  }
}
