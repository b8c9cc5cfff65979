import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ServerUnderTest } from './server-under-test.js';

const ROOT = join(import.meta.dirname, '../../..');
const MAIN = join(ROOT, 'dist/server/apps/server/src/main.js');
const SERVER = join(ROOT, 'apps/server/bty-server');
const START_TIMEOUT_MS = 20_000;

/** The built server as a process of its own, on its embedded Postgres, as an installation runs it. */
export class ServerProcess extends ServerUnderTest {
  log = '';
  override port = 0;

  private constructor(
    readonly stateDir: string,
    private readonly child: ChildProcess,
  ) {
    super();
    child.stderr?.on('data', (part: Buffer) => {
      this.log += part.toString();
    });
  }

  /** A new state directory; its parent is closed to everybody else, as a private home is. */
  static newStateDir(): string {
    const stateDir = join(mkdtempSync(join(tmpdir(), 'bty-process-')), 'state');
    mkdirSync(join(stateDir, 'boot'), { recursive: true });
    writeFileSync(join(stateDir, 'boot/vmlinuz'), 'kernel');
    writeFileSync(join(stateDir, 'boot/base.initrd'), 'initrd');
    return stateDir;
  }

  static discard(stateDir: string): void {
    rmSync(join(stateDir, '..'), { recursive: true, force: true });
  }

  static async start(
    stateDir: string,
    args: string[] = [],
    settings: Record<string, string> = {},
  ): Promise<ServerProcess> {
    if (!existsSync(MAIN)) throw new Error('the server is not built: npm run build');
    const own = { BTY_STATE_DIR: stateDir, BTY_HTTP_PORT: '0', BTY_HTTP_HOST: '127.0.0.1', BTY_ROLE: 'server' };
    const env = { PATH: `${ROOT}/node_modules/.bin:${process.env['PATH']}`, ...own, ...settings };
    const child = spawn(SERVER, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const server = new ServerProcess(stateDir, child);
    if (args.length === 0) await server.untilItListens();
    return server;
  }

  override get token(): string {
    return readFileSync(join(this.stateDir, 'admin-token'), 'utf8').trim();
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Process id of its Postgres. */
  get postgresPid(): number {
    return Number(readFileSync(join(this.stateDir, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);
  }

  /** Sends a signal and waits for the end; tells how it ended and after how many milliseconds. */
  async end(signal: NodeJS.Signals): Promise<{ code: number | null; ms: number }> {
    const began = Date.now();
    this.child.kill(signal);
    return { code: await this.exited(), ms: Date.now() - began };
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async exited(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  private async untilItListens(): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (this.port === 0) {
      if (this.child.exitCode !== null || Date.now() > deadline)
        throw new Error(`the server did not start: ${this.log}`);
      this.port = Number(/listens on port (\d+)/.exec(this.log)?.[1] ?? 0);
      await sleep(20);
    }
  }
}

/** Whether a process exists; one that has ended and not been waited for does not count. */
export function isAlive(pid: number): boolean {
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'latin1') : '';
  return stat !== '' && !/\) Z /.test(stat);
}
