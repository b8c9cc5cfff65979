import { readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { WORKFLOW_FOLDER_PREFIX } from './cijoe/place-workflow.js';
import { LVM_CONFIG } from './logical-volumes.js';
import { mounts, must, type RunCommand } from './mount-volume.js';
import { FOLDER_PREFIX } from './provision.js';

/** Where to look for leftovers, and whether everything on this machine is the agent's. */
export interface LeftoverPlace {
  workDir: string;
  /** In the live env nobody else activates volumes or sets up loop devices. */
  alone: boolean;
  run: RunCommand;
  log(line: string): void;
}

async function devices(prefix: string): Promise<string[]> {
  return (await readdir('/sys/block')).filter((name) => name.startsWith(prefix));
}

/**
 * Undoes what an agent that was killed while it provisioned has left mounted or active: it could still write to the disk
 * under the next flash. Called before the first job. Throws `PROVISIONING_FAILED` when something cannot be undone.
 */
export async function clearLeftovers({ workDir, alone, run, log }: LeftoverPlace): Promise<void> {
  const prefix = join(workDir, FOLDER_PREFIX);
  const points = (await mounts()).map(({ point }) => point).filter((point) => point.startsWith(prefix));
  for (const point of points.reverse()) {
    log(`unmounts ${point}, which an earlier agent left`);
    await must(run, 'umount', [point]);
    // What was mounted below another is a folder of the system on the disk.
    if (dirname(point) === workDir) await rmdir(point);
  }
  for (const name of await readdir(workDir).catch(() => [])) {
    if (name.startsWith(WORKFLOW_FOLDER_PREFIX)) await rm(join(workDir, name), { recursive: true, force: true });
  }
  if (!alone || (await devices('dm-')).length === 0) return;
  await must(run, 'lvm', ['vgchange', '--config', LVM_CONFIG, '--activate', 'n']);
  await must(run, 'losetup', ['--detach-all']);
}
