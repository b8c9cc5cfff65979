/** The flashed system of a machine, as its lab admin reaches it: over SSH, with a key of their own. */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { LabNetwork } from './network.ts';
import { run } from './process.ts';

/** A key pair of the lab's admin in a lab's directory. */
export interface AdminKey {
  readonly file: string;
  /** `TYPE BASE64 COMMENT`. */
  readonly publicKey: string;
}

const OPTIONS = {
  BatchMode: 'yes',
  ConnectTimeout: '5',
  IdentitiesOnly: 'yes',
  LogLevel: 'ERROR',
  StrictHostKeyChecking: 'no',
  UserKnownHostsFile: '/dev/null',
};
const ROUNDS = 8;

/** Makes a key pair of the admin's; one of an earlier call is replaced. */
export function newAdminKey(workDir: string): AdminKey {
  const file = join(workDir, 'admin-key');
  rmSync(file, { force: true });
  run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'admin', '-f', file);
  return { file, publicKey: readFileSync(`${file}.pub`, 'utf8').trim() };
}

export class GuestShell {
  readonly #argv: string[];

  /** `address` is where the system answers on the lab's network. */
  constructor(network: LabNetwork, keyFile: string, user: string, address: string) {
    const options = Object.entries(OPTIONS).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    this.#argv = network.inside(['ssh', '-F', 'none', '-T', ...options, '-i', keyFile, `${user}@${address}`]);
  }

  /** Runs a command in the account's shell; throws with its error output when it fails. Resolves to what it printed. */
  async run(command: string): Promise<string> {
    const [program = '', ...args] = this.#argv;
    return (await promisify(execFile)(program, [...args, command], { maxBuffer: 64 << 20 })).stdout;
  }

  /** How far the system's clock is ahead of this host's, in milliseconds; it may be wrong by `errorMs` either way. */
  async clock(): Promise<{ aheadMs: number; errorMs: number }> {
    const [program = '', ...args] = this.#argv;
    const child: ChildProcessWithoutNullStreams = spawn(program, [...args, 'while read x; do date +%s%3N; done']);
    const lines = createInterface({ input: child.stdout });
    let best = { aheadMs: 0, errorMs: Number.POSITIVE_INFINITY };
    for (let round = 0; round < ROUNDS; round += 1) {
      const asked = Date.now();
      child.stdin.write('\n');
      const [line] = (await once(lines, 'line')) as [string];
      const errorMs = (Date.now() - asked) / 2;
      if (errorMs < best.errorMs) best = { aheadMs: Number(line) - (asked + errorMs), errorMs };
    }
    child.stdin.end();
    return best;
  }
}
