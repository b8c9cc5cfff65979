import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BtyError } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { knownHosts, readKnownHosts } from './known-hosts.js';
import { sshArguments, sshFailure } from './ssh-command.js';

/** Where a script is to run, and with which credentials. */
export interface SshTarget {
  readonly address: string;
  readonly user: string;
  /** Private key in a format that OpenSSH reads. */
  readonly privateKey: string;
  /** Host keys of which it must show one, `TYPE BASE64` each; empty: whatever it shows is believed. */
  readonly hostKeys: readonly string[];
}

/** A script for a remote system. */
export interface SshOrder {
  readonly script: string;
  /** `root`: by sudo when the account is another one. */
  readonly as: 'root' | 'user';
  readonly timeLimitMs: number;
  readonly maxOutputBytes: number;
}

/** What a script left behind. */
export interface SshResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The host keys that count from now on: those that were given, or the one that was seen. */
  readonly hostKeys: readonly string[];
}

const CONNECT_TIMEOUT_SECONDS = 3;
const MAX_STDERR_BYTES = 16 * 1024;
const SSH_ITSELF_FAILED = 255;

/** Runs scripts on remote systems by OpenSSH's client. */
@Injectable()
export class SshClient {
  /**
   * Runs a script in `sh` on the target. Any exit code of the script is a result. Throws SSH_UNREACHABLE, HOST_KEY_CHANGED,
   * TIME_LIMIT, LIMIT_EXCEEDED (output), or the reason of the signal.
   */
  async run(target: SshTarget, order: SshOrder, signal?: AbortSignal): Promise<SshResult> {
    const folder = await mkdtemp(join(tmpdir(), 'bty-ssh-'));
    try {
      const [keyFile, knownHostsFile] = [join(folder, 'key'), join(folder, 'known_hosts')];
      await writeFile(keyFile, target.privateKey, { mode: 0o600 });
      await writeFile(knownHostsFile, knownHosts(target.hostKeys), { mode: 0o600 });
      const line = {
        ...{ address: target.address, user: target.user, keyFile, knownHostsFile },
        pinned: target.hostKeys.length > 0,
        connectTimeoutSeconds: CONNECT_TIMEOUT_SECONDS,
      };
      const result = await execute(sshArguments(line, order.as), order, signal);
      if (result.exitCode === SSH_ITSELF_FAILED) {
        const { code, message } = sshFailure(result.stderr);
        throw new BtyError(code, `${target.address}: ${message}`, { details: { address: target.address } });
      }
      return { ...result, hostKeys: readKnownHosts(await readFile(knownHostsFile, 'utf8')) };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Keeps what a stream says up to a limit; tells once when there is more. */
class Gathered {
  private readonly parts: Buffer[] = [];
  private bytes = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly onExcess: () => void,
  ) {}

  take(part: Buffer): void {
    this.bytes += part.length;
    if (this.bytes > this.maxBytes) this.onExcess();
    else this.parts.push(part);
  }

  toString(): string {
    return Buffer.concat(this.parts).toString('utf8');
  }
}

async function execute(
  args: readonly string[],
  order: SshOrder,
  signal: AbortSignal | undefined,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  signal?.throwIfAborted();
  const child = spawn('ssh', args, {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', LANG: 'C.UTF-8' },
    stdio: 'pipe',
  });
  const ended = Promise.withResolvers<number>();
  const end = (error: BtyError) => {
    ended.reject(error);
    child.kill('SIGKILL');
  };
  const seconds = order.timeLimitMs / 1000;
  const timer = setTimeout(() => end(new BtyError('TIME_LIMIT', `no end after ${seconds} s`)), order.timeLimitMs);
  const abort = () => {
    ended.reject(signal?.reason);
    child.kill('SIGKILL');
  };
  signal?.addEventListener('abort', abort, { once: true });
  const excess = () => end(new BtyError('LIMIT_EXCEEDED', `it says more than ${order.maxOutputBytes} bytes`));
  const [stdout, stderr] = [
    new Gathered(order.maxOutputBytes, excess),
    new Gathered(MAX_STDERR_BYTES, () => undefined),
  ];
  child.stdout.on('data', (part: Buffer) => stdout.take(part));
  child.stderr.on('data', (part: Buffer) => stderr.take(part));
  // A target that hangs up before it has read the script says so by its exit code.
  child.stdin.on('error', () => undefined);
  child.on('error', (cause) =>
    ended.reject(new BtyError('SSH_UNREACHABLE', `ssh cannot be started: ${cause.message}`, { cause })),
  );
  child.on('close', (code) => ended.resolve(code ?? SSH_ITSELF_FAILED));
  child.stdin.end(order.script);
  try {
    const exitCode = await ended.promise;
    return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
