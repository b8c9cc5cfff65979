import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

const START_TIMEOUT_MS = 5_000;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** A real Redis of its own, on a free port of this host, in its own directory. What it held is gone when it is stopped. */
export class RedisProcess {
  private constructor(
    readonly port: number,
    private readonly directory: string,
    private child: ChildProcess,
  ) {}

  static async start(): Promise<RedisProcess> {
    const directory = mkdtempSync(join(tmpdir(), 'bty-redis-'));
    const port = await freePort();
    const redis = new RedisProcess(port, directory, spawnRedis(port, directory));
    await redis.untilItListens();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Asks it one thing, on a connection for that alone. */
  async ask(command: string, ...args: string[]): Promise<unknown> {
    const client = new Redis(this.url, { retryStrategy: null });
    try {
      return await client.call(command, ...args);
    } finally {
      client.disconnect();
    }
  }

  /** Ends it at once. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  /** Starts it again, empty. */
  async startAgain(): Promise<void> {
    this.child = spawnRedis(this.port, this.directory);
    await this.untilItListens();
  }

  pause(): void {
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  async discard(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async untilItListens(): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await listens(this.port))) {
      if (this.child.exitCode !== null || Date.now() > deadline) throw new Error('redis-server did not start');
      await sleep(20);
    }
  }
}

function spawnRedis(port: number, directory: string): ChildProcess {
  const settings = { port, bind: '127.0.0.1', dir: directory, save: '', databases: 1000, loglevel: 'warning' };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  // It ends with the tests, however they end.
  return spawn('setpriv', ['--pdeathsig', 'KILL', 'redis-server', ...args], { stdio: 'ignore' });
}
