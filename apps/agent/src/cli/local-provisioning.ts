import { tmpdir } from 'node:os';
import type { VerifyMode } from '@bty/wire-types';
import { provision } from '../provision/provision.js';
import type { Provisioner } from '../provision/provisioning.js';
import { runCommand } from '../run-command.js';
import type { LocalPorts } from './local-flash.js';
import { requireTools } from './named-target.js';
import { readSeedFiles, type SeedFlags } from './seed-files.js';

/** What configures the deployed system, looked at and found complete. */
export type LocalProvisioning = (verify: VerifyMode) => Provisioner;

/** Programs that mount the system on a disk. */
export const MOUNTING_TOOLS = ['mount', 'umount', 'losetup'];

/** Reads the files of a seed. Throws as `readSeedFiles` does, and when a program is missing. */
export async function seedProvisioning(
  userData: string,
  flags: SeedFlags,
  { searchPath, log }: LocalPorts,
  stop: AbortSignal,
): Promise<LocalProvisioning> {
  await requireTools(searchPath, MOUNTING_TOOLS);
  const seed = await readSeedFiles(userData, flags);
  const { seedWork } = await import('../provision/seed-work.js');
  const surroundings = { run: runCommand, workDir: tmpdir(), log };
  return (verify) => (disk) => provision(seedWork({ seed, verify }), disk, surroundings, stop);
}
