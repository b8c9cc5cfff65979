import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';

const NOBODY = 65_534;

/** The account that Postgres runs under: our own, or, because Postgres refuses root, that of the data or `nobody`. */
export interface PostgresAccount {
  readonly uid: number;
  readonly gid: number;
  /** Whether we are root and have to change to the account. */
  readonly drop: boolean;
}

/** Chooses the account: the owner of existing data stays its owner. */
export function postgresAccount(dataDir: string): PostgresAccount {
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  if (own.uid !== 0) return { ...own, drop: false };
  const owner = statSync(dataDir, { throwIfNoEntry: false });
  const uid = owner === undefined || owner.uid === 0 ? NOBODY : owner.uid;
  return { uid, gid: uid === NOBODY ? NOBODY : (owner?.gid ?? NOBODY), drop: true };
}

function everybodyMayEnter(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (dirname(folder) === folder) return true;
  }
}

/**
 * Starts a Postgres program that stops when this process dies, even by SIGKILL. As root it changes to the account, and
 * keeps the one capability of looking into directories when a path it needs lies below a closed one (a private home).
 * Call it on the main thread: the death signal follows the thread that spawned.
 */
export function spawnPostgres(
  account: PostgresAccount,
  program: string,
  args: readonly string[],
  paths: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const drop = account.drop ? [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'] : [];
  const closed = account.drop && ![program, ...paths].every(everybodyMayEnter);
  const look = closed ? ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'] : [];
  // A session of its own: Ctrl-C in a terminal goes to a whole group, and Postgres must outlive the server's last words.
  const own = { ...options, detached: true };
  return spawn('setpriv', [...drop, ...look, '--pdeathsig=INT', '--', program, ...args], own);
}
