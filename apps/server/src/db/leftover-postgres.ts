import { readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 15_000;

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function worksIn(pid: number, dataDir: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === dataDir;
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

function parentIsAServer(pid: number): boolean {
  const parent = Number(/^PPid:\s*(\d+)/m.exec(readOrNothing(`/proc/${pid}/status`) ?? '')?.[1] ?? 0);
  if (parent <= 1) return false;
  return /node/.test(readOrNothing(`/proc/${parent}/cmdline`) ?? '');
}

/**
 * Deals with the `postmaster.pid` that a killed server left behind: waits for its Postgres to end (it was told to by the
 * death of its parent), asks an orphan to, and removes the file when its process is somebody else.
 * Throws when the Postgres belongs to a bty server that is running.
 */
export async function settleLeftover(dataDir: string): Promise<void> {
  const file = join(dataDir, 'postmaster.pid');
  const deadline = Date.now() + PATIENCE_MS;
  let asked = false;
  for (;;) {
    const pid = Number(readOrNothing(file)?.split('\n')[0] ?? 0);
    if (!pid) return;
    if (!worksIn(pid, dataDir)) {
      rmSync(file, { force: true });
      return;
    }
    if (parentIsAServer(pid)) throw new Error(`another bty server uses ${dataDir} (its Postgres is process ${pid})`);
    if (!asked) process.kill(pid, 'SIGINT');
    asked = true;
    if (Date.now() > deadline) throw new Error(`the Postgres of an earlier run (process ${pid}) does not stop`);
    await sleep(50);
  }
}
