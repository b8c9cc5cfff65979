import { createHash } from 'node:crypto';
import { chownSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresAccount } from './postgres-account.js';

/** `sun_path` of unix(7), with its final NUL. */
const MAX_SOCKET_PATH_BYTES = 107;

/** Where the socket goes: below the state directory, or in the directory for temporary files when that path is too long. */
export function socketDirFor(stateDir: string): string {
  const near = join(stateDir, 'run');
  if (Buffer.byteLength(join(near, '.s.PGSQL.5432')) <= MAX_SOCKET_PATH_BYTES) return near;
  return join(tmpdir(), `bty-pg-${createHash('sha256').update(stateDir).digest('hex').slice(0, 12)}`);
}

/** Makes a directory that only the account of Postgres may enter. Throws when somebody else has made it first. */
export function makeOwnDirectory(path: string, account: PostgresAccount): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  // In /tmp somebody else may have made it first, as a trap: it must be a directory of ours before we use it.
  const found = lstatSync(path);
  const own = process.getuid?.();
  if (!found.isDirectory() || (found.uid !== account.uid && found.uid !== own)) {
    throw new Error(`${path} is not a directory of ours; remove it`);
  }
  if (account.drop) chownSync(path, account.uid, account.gid);
}
