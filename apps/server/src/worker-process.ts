import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const STOP_PATIENCE_MS = 8_500;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A worker that lasted so long had started well: the next one need not wait. */
const STEADY_MS = 60_000;

/** The worker as a process of its own beside the server; another one is started when it ends by itself. */
export class WorkerProcess {
  private child: ChildProcess | undefined;
  private stopping = false;
  private pauseMs = FIRST_PAUSE_MS;

  /** `args` start this program again, `env` is all of its environment. */
  constructor(
    private readonly args: readonly string[],
    private readonly env: NodeJS.ProcessEnv,
    private readonly say: (message: string) => void,
  ) {}

  start(): void {
    const startedAt = Date.now();
    // The channel tells the worker when this process is gone, however it went.
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
    const child = spawn(process.execPath, this.args, { env: this.env, stdio: [...stdio] });
    this.child = child;
    this.say(`the worker is process ${child.pid}`);
    child.once('error', (error) => this.say(`the worker cannot be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      if (this.stopping) return;
      if (Date.now() - startedAt > STEADY_MS) this.pauseMs = FIRST_PAUSE_MS;
      this.say(`the worker ended by itself (${signal ?? code}); starting another`);
      setTimeout(() => this.stopping || this.start(), this.pauseMs).unref();
      this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
    });
  }

  /** Resolves when the worker is gone. */
  async stop(): Promise<void> {
    this.stopping = true;
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await Promise.race([gone, sleep(STOP_PATIENCE_MS, undefined, { ref: false })]);
    child.kill('SIGKILL');
    await gone;
  }
}
