import { readdir, readFile, statfs } from 'node:fs/promises';
import { SANDBOX_LIMITS } from './sandbox-limits.js';

const INTERVAL_MS = 200;
const PAGE_BYTES = 4096;
/** linux/magic.h */
const TMPFS = 0x01021994;

/** Why a sandbox has to be stopped. */
export type Excess = 'memory' | 'files';

/** What a file of /proc says; nothing when its process has just ended. */
async function peek(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  let threads: string[];
  try {
    threads = await readdir(`/proc/${pid}/task`);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
  const lists = await Promise.all(threads.map((thread) => peek(`/proc/${pid}/task/${thread}/children`)));
  return lists
    .join(' ')
    .split(/\s+/)
    .filter((text) => text !== '')
    .map(Number);
}

async function residentBytes(root: number): Promise<number> {
  let total = 0;
  const todo = [root];
  for (let pid = todo.pop(); pid !== undefined; pid = todo.pop()) {
    total += Number((await peek(`/proc/${pid}/statm`)).split(' ')[1] ?? 0) * PAGE_BYTES;
    todo.push(...(await childrenOf(pid)));
  }
  return total;
}

/** Files count as well as bytes: the kernel keeps an empty one in memory, too. Unknown where /proc does not let us look. */
async function workFiles(root: number): Promise<number> {
  try {
    const { type, blocks, bsize, files, ffree } = await statfs(`/proc/${root}/root/job`);
    // Until bubblewrap has changed its root, this may be a directory of the host.
    return type === TMPFS && blocks * bsize === SANDBOX_LIMITS.workBytes ? files - ffree : 0;
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0;
    throw error;
  }
}

async function excessOf(root: number): Promise<Excess | undefined> {
  if ((await residentBytes(root)) > SANDBOX_LIMITS.memoryBytes) return 'memory';
  return (await workFiles(root)) > SANDBOX_LIMITS.workFiles ? 'files' : undefined;
}

/**
 * Watches what the processes of a sandbox use together, which no limit of a process covers and for which a memory
 * control group is not always to be had. `root` is its init, as this process sees it. Reports once; returns the way to stop.
 */
export function watchResources(
  root: number,
  onExcess: (excess: Excess) => void,
  warn: (error: unknown) => void,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const look = async (): Promise<void> => {
    const excess = await excessOf(root);
    if (over) return;
    if (excess !== undefined) onExcess(excess);
    else timer = setTimeout(again, INTERVAL_MS);
  };
  const again = () => {
    look().catch(warn);
  };
  again();
  return () => {
    over = true;
    clearTimeout(timer);
  };
}
