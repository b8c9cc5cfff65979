import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUNDLE } from './built-agent.js';

/** The agent as the live env starts it: the bundle, in a process of its own, which may be killed and started again. */
export class AgentProcess {
  readonly #stateDir = mkdtempSync(join(tmpdir(), 'bty-agent-'));
  #child: ChildProcess | undefined;
  #exit: Promise<number | NodeJS.Signals> = Promise.resolve(0);
  log = '';

  constructor(
    private readonly serverUrl: string,
    private readonly disks: readonly string[],
    private readonly mode: 'flash' | 'tui' = 'flash',
    private readonly boot = { mac: '52:54:00:00:00:01', token: 't'.repeat(43) },
  ) {}

  start(): void {
    const disks = this.disks.flatMap((path) => ['--disk', path]);
    const { mac, token } = this.boot;
    const args = ['agent', '--server', this.serverUrl, '--mac', mac, '--mode', this.mode];
    const child = spawn(
      process.execPath,
      [BUNDLE, ...args, '--token', token, '--state-dir', this.#stateDir, ...disks],
      {
        cwd: '/',
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    child.stderr.on('data', (text: Buffer) => {
      this.log += text.toString();
    });
    this.#exit = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal ?? 0)));
    this.#child = child;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Resolves with the exit code, or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals> {
    return this.#exit;
  }

  /** Highest resident memory so far, in bytes. */
  peakBytes(): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
  }

  async remove(): Promise<void> {
    this.kill('SIGKILL');
    await this.ended();
    rmSync(this.#stateDir, { recursive: true });
  }
}
