import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, open } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { setPriority } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { type ArchiveFile, writeArchive } from '@bty/archive';
import { BtyError } from '@bty/wire-types';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { sandboxCommand } from './bwrap-command.js';
import { type Excess, watchResources } from './resource-watch.js';
import { makeSandboxFolder, removeSandboxFolder } from './sandbox-folder.js';
import { RELAY_PORT, SANDBOX_LIMITS } from './sandbox-limits.js';
import { readResult, type SandboxResult } from './sandbox-result.js';

/** A program for a sandbox. Paths are below its work directory. */
export interface SandboxOrder {
  readonly files: readonly ArchiveFile[];
  readonly cwd: string;
  readonly argv: readonly string[];
  /** What runs when the program was stopped, to make the best of what it left. */
  readonly afterStop?: readonly string[] | undefined;
  /** Folder whose files come back. */
  readonly output?: string | undefined;
  readonly timeLimitMs: number;
  readonly onOutput: (part: Buffer) => void;
  /** Takes the connections that programs make to `127.0.0.1:RELAY_PORT`, their only way out; without it there is none. */
  readonly onConnection?: ((socket: Socket) => void) | undefined;
}

/** Why the server ended a program that had not ended by itself. */
type StopReason = 'time' | 'output' | 'aborted' | Excess;

/** How a program ended. */
export interface SandboxOutcome extends SandboxResult {
  readonly stopped?: StopReason | undefined;
}

const NICENESS = 5;

function framedOrder(order: SandboxOrder): Buffer {
  const { cwd, argv, afterStop = [], output = '' } = order;
  const text = Buffer.from(
    JSON.stringify({
      ...{ cwd, argv, after_stop: afterStop, output },
      relay_port: order.onConnection === undefined ? 0 : RELAY_PORT,
      max_bytes: SANDBOX_LIMITS.resultBytes,
      max_files: SANDBOX_LIMITS.resultFiles,
    }),
  );
  const { bytes } = writeArchive(order.files);
  const lengths = [Buffer.alloc(4), Buffer.alloc(8)] as const;
  lengths[0].writeUInt32BE(text.length);
  lengths[1].writeBigUInt64BE(BigInt(bytes.length));
  return Buffer.concat([lengths[0], text, lengths[1], bytes]);
}

/** Runs programs that nobody vouches for. */
@Injectable()
export class Sandbox {
  private readonly log = new Logger('Sandbox');

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /**
   * Runs a program in a sandbox of its own until it ends, exceeds a limit, or `signal` is aborted. Its processes are gone
   * when this resolves. Throws SANDBOX_UNAVAILABLE when no sandbox can be made.
   */
  async run(order: SandboxOrder, signal: AbortSignal): Promise<SandboxOutcome> {
    const plan = await makeSandboxFolder(this.config.cijoeDir);
    let relay: Server | undefined;
    try {
      if (order.onConnection !== undefined) relay = await listen(plan.relaySocket, plan.account, order.onConnection);
      const { program, args } = sandboxCommand(plan);
      const filter = await open(plan.filter);
      const child = spawn(program, args, {
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        cwd: '/',
        stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe', filter.fd],
      });
      // Nothing may come between the start and the listeners: it may end at once.
      const outcome = this.attend(child, order, signal);
      await filter.close();
      return await outcome;
    } finally {
      relay?.close();
      await removeSandboxFolder(plan.folder);
    }
  }

  private async attend(child: ChildProcess, order: SandboxOrder, signal: AbortSignal): Promise<SandboxOutcome> {
    const input = child.stdin as Writable;
    let stopped: StopReason | undefined;
    let grace: NodeJS.Timeout | undefined;
    let unwatch: () => void = () => undefined;
    const stop = (reason: StopReason): void => {
      if (stopped !== undefined) return;
      stopped = reason;
      input.end();
      grace = setTimeout(() => child.kill('SIGKILL'), SANDBOX_LIMITS.graceMs);
    };
    const abort = () => stop('aborted');
    const deadline = setTimeout(() => stop('time'), order.timeLimitMs);
    signal.addEventListener('abort', abort, { once: true });
    // A sandbox that ended before it had read everything is told by its result.
    input.on('error', () => undefined);
    const words = this.listen(child, order, () => stop('output'));
    const result = collect(child.stdio[3] as Readable, () => child.kill('SIGKILL'));
    initOf(child.stdio[4] as Readable, (pid) => {
      unwatch = watchResources(pid, stop, (error) => this.log.warn(`a sandbox is not watched: ${String(error)}`));
    });
    try {
      const closed = once(child, 'close') as Promise<[number | null]>;
      child.once('spawn', () => lower(child.pid));
      input.write(framedOrder(order));
      if (signal.aborted) abort();
      const [code] = await closed;
      const outcome = readResult(result());
      if (!outcome.started && stopped === undefined) throw unavailable(code, words());
      return { ...outcome, stopped };
    } catch (error) {
      throw error instanceof BtyError ? error : unavailable(undefined, (error as Error).message);
    } finally {
      unwatch();
      clearTimeout(deadline);
      clearTimeout(grace);
      signal.removeEventListener('abort', abort);
    }
  }

  /** Passes on what the sandbox prints, up to the limit. Returns its last words, for when it cannot start. */
  private listen(child: ChildProcess, order: SandboxOrder, onExcess: () => void): () => string {
    let left: number = SANDBOX_LIMITS.outputBytes;
    let last = '';
    const take = (part: Buffer): void => {
      last = `${last}${part.toString()}`.slice(-500);
      if (left > 0) order.onOutput(part.subarray(0, left));
      left -= part.length;
      if (left < 0) onExcess();
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    return () => last.trim();
  }
}

function unavailable(code: number | null | undefined, words: string): BtyError {
  const how = code === undefined ? '' : ` (${code ?? 'killed'})`;
  return new BtyError('SANDBOX_UNAVAILABLE', `no sandbox can be made here${how}: ${words || 'it says nothing'}`);
}

async function listen(path: string, account: number | undefined, take: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, take);
  server.listen(path);
  await once(server, 'listening');
  await chmod(path, 0o600);
  if (account !== undefined) await chown(path, account, account);
  return server;
}

function collect(stream: Readable, onExcess: () => void): () => Buffer {
  const parts: Buffer[] = [];
  let total = 0;
  stream.on('data', (part: Buffer) => {
    total += part.length;
    // Headers of a tar come on top of the contents.
    if (total > SANDBOX_LIMITS.resultBytes * 2) onExcess();
    else parts.push(part);
  });
  return () => Buffer.concat(parts);
}

/** Tells the process id of the sandbox's init as soon as bubblewrap says it. */
function initOf(info: Readable, onPid: (pid: number) => void): void {
  let text = '';
  info.on('data', (part: Buffer) => {
    text += part.toString();
    const [, pid] = /"child-pid": (\d+)/.exec(text) ?? [];
    if (pid !== undefined) onPid(Number(pid));
    if (pid !== undefined) info.removeAllListeners('data').resume();
  });
}

function lower(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, NICENESS);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
