import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BtyError } from '@bty/wire-types';
import type { CommandResult } from '../run-command.js';
import type { VolumePart } from './volume.js';
import type { VolumeKind } from './volume-kind.js';

/** Runs a helper program, as `runCommand` does. */
export type RunCommand = (program: string, args: readonly string[], timeoutMs: number) => Promise<CommandResult>;

const TIMEOUT_MS = 60_000;
const LOOP_GONE_TRIES = 500;
const LOOP_GONE_STEP_MS = 10;

// A foreign file system: no program of it may run, no device node of it may be opened.
const GUARDS = ['nosuid', 'nodev', 'noexec', 'noatime'];
// Looking must change nothing: without these options a journal would be replayed even when mounted read-only.
const LOOK: Readonly<Record<VolumeKind['kind'], string[]>> = {
  ext4: ['ro', 'noload'],
  xfs: ['ro', 'norecovery'],
  btrfs: ['ro', 'rescue=nologreplay'],
  lvm: [],
  other: [],
};

/**
 * Loads what mounting most likely needs, while the disk is still being written: a third of the time until the seed is there,
 * under emulation. Whatever is missing then is the mount's to say.
 */
export async function loadMountDrivers(run: RunCommand): Promise<void> {
  await run('modprobe', ['-abq', 'loop', 'ext4'], TIMEOUT_MS).catch(() => undefined);
}

/** Runs a program that has to succeed. Throws `PROVISIONING_FAILED` with what it said. */
export async function must(run: RunCommand, program: string, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(program, args, TIMEOUT_MS);
  if (exitCode === 0) return stdout;
  const said = stderr.trim() || stdout.trim() || `exit code ${exitCode}`;
  throw new BtyError('PROVISIONING_FAILED', `${program}: ${said}`, { details: { program, args } });
}

/** What is mounted, in the order in which it was: mount points and their devices, by the kernel's own list. */
export async function mounts(): Promise<{ point: string; device: string }[]> {
  return (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const [point, device] = [fields[4], fields[fields.indexOf('-') + 2]];
    return point === undefined || device === undefined ? [] : [{ point, device }];
  });
}

/** udev may hold a loop device open for a moment; the kernel takes it down when nobody does, and may give it to others. */
async function loopIsGone(device: string, diskPath: string): Promise<void> {
  const backing = `/sys/block/${basename(device)}/loop/backing_file`;
  for (let tries = 0; tries < LOOP_GONE_TRIES; tries += 1) {
    try {
      if ((await readFile(backing, 'utf8')).trim() !== diskPath) return;
    } catch (error) {
      // The last two: it goes at this very moment.
      if (['ENOENT', 'ENXIO', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
      throw error;
    }
    await sleep(LOOP_GONE_STEP_MS);
  }
  throw new BtyError('PROVISIONING_FAILED', `${device} is still in use after it was unmounted`);
}

async function unmount(folder: string, diskPath: string, part: VolumePart, run: RunCommand): Promise<void> {
  const device = (await mounts()).findLast(({ point }) => point === folder)?.device;
  await must(run, 'umount', [folder]);
  if (device === undefined || 'node' in part.volume.place) return;
  // Another subvolume of the same file system is mounted still.
  if ((await mounts()).some((mount) => mount.device === device)) return;
  await loopIsGone(device, diskPath);
  // The kernel remembers the generation of a btrfs by its device, and would refuse an older copy at another.
  if (part.volume.kind === 'btrfs') await run('btrfs', ['device', 'scan', '--forget', device], TIMEOUT_MS);
}

/**
 * Mounts a volume of a disk on an empty folder while `work` runs, by its place on the disk and not by a partition node:
 * the kernel does not know the new table yet. Throws what `work` throws, and when the volume cannot be unmounted.
 */
export async function whileMounted<T>(
  diskPath: string,
  part: VolumePart,
  folder: string,
  access: 'look' | 'write',
  run: RunCommand,
  work: () => Promise<T>,
): Promise<T> {
  const { kind, place } = part.volume;
  const options = [...GUARDS, ...(access === 'look' ? LOOK[kind] : ['rw'])];
  // A copy of the same file system may be mounted from elsewhere.
  if (kind === 'xfs') options.push('nouuid');
  if (kind === 'btrfs') options.push(`subvolid=${part.subvolume?.id ?? 5}`);
  if ('offsetBytes' in place) options.push('loop', `offset=${place.offsetBytes}`, `sizelimit=${place.lengthBytes}`);
  const device = 'node' in place ? place.node : diskPath;
  await must(run, 'mount', ['-i', '-t', kind, '-o', options.join(','), device, folder]);
  let result: T;
  try {
    result = await work();
  } catch (error) {
    // The failure of the work is the one to tell.
    await unmount(folder, diskPath, part, run).catch(() => undefined);
    throw error;
  }
  await unmount(folder, diskPath, part, run);
  return result;
}
