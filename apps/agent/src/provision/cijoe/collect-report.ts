import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArchiveFile, archivePathProblem } from '@bty/archive';
import { PROTOCOL_LIMITS } from '@bty/wire-types';

/** What of a report counts most, should not all of it fit. */
const SAYS_MOST = ['report.html', 'task.state', 'config.orig', 'task.orig'];
const MAX_NAMES_LEFT_OUT = 1000;

interface Found {
  path: string;
  sizeBytes: number;
}

async function regularFiles(folder: string): Promise<Found[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      // cijoe has not come so far.
      if (error.code === 'ENOENT') return [];
      throw error;
    },
  );
  const files: Found[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.push({ path: path.slice(folder.length + 1), sizeBytes: (await lstat(path)).size });
  }
  return files;
}

async function readWhole(path: string): Promise<Buffer> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  return handle.readFile().finally(() => handle.close());
}

/** The rank of a file: what says most first, then the small ones. */
function byWeight(a: Found, b: Found): number {
  const [most, other] = [a, b].map(({ path }) => Number(!SAYS_MOST.includes(path))) as [number, number];
  return most - other || a.sizeBytes - b.sizeBytes || (a.path < b.path ? -1 : 1);
}

/**
 * Reads what a workflow left in its output folder, up to what the server takes; `left-out.txt` then names the rest. Empty
 * when it left nothing.
 */
export async function collectReport(
  folder: string,
  limits: { maxBytes: number; maxFiles: number } = {
    maxBytes: PROTOCOL_LIMITS.maxReportBytes,
    maxFiles: PROTOCOL_LIMITS.maxReportFiles,
  },
): Promise<ArchiveFile[]> {
  const files: ArchiveFile[] = [];
  const leftOut: string[] = [];
  let room = limits.maxBytes;
  for (const { path, sizeBytes } of (await regularFiles(folder)).sort(byWeight)) {
    // One is for the list of what is left out.
    if (sizeBytes > room || files.length >= limits.maxFiles - 1 || archivePathProblem(path) !== undefined) {
      leftOut.push(`${JSON.stringify(path)} (${sizeBytes} bytes)\n`);
      continue;
    }
    room -= sizeBytes;
    files.push({ path, content: await readWhole(join(folder, path)), executable: false });
  }
  if (leftOut.length > 0) {
    const content = Buffer.from(leftOut.slice(0, MAX_NAMES_LEFT_OUT).join(''));
    files.push({ path: 'left-out.txt', content, executable: false });
  }
  return files;
}
