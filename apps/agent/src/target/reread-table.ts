import { runCommand } from '../run-command.js';

const TIMEOUT_MS = 30_000;

/**
 * Makes the kernel read a disk's new partition table, and udev make its nodes. Returns a sentence for the log: a device
 * without partitions (a loop device) refuses this, and the flash is right all the same.
 */
export async function rereadTable(path: string): Promise<string> {
  try {
    const { exitCode, stderr } = await runCommand('blockdev', ['--rereadpt', path], TIMEOUT_MS);
    return exitCode === 0
      ? `the kernel has read the new table of ${path}`
      : `no new table of ${path}: ${stderr.trim()}`;
  } catch (error) {
    return `no new table of ${path}: ${(error as Error).message}`;
  }
}
