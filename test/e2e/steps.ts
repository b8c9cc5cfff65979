/** The steps that stories share: what they wait for, and what they then expect. */
import { join } from 'node:path';
import { expect } from 'vitest';
import type { FlashJob } from '../lab/api.ts';
import type { Lab, Served } from '../lab/lab.ts';
import type { Machine, MachineOptions } from '../lab/machine.ts';
import { eventually, run } from '../lab/process.ts';
import { differences, expectedDisk, partitionTableProblems } from './disks.ts';

/** A machine that has the image on its disk already, and whose record says that it boots from there. */
export async function localMachine(
  lab: Lab,
  image: string,
  options: Pick<MachineOptions, 'mac' | 'firmware' | 'oldIpxeRom' | 'foreignRom' | 'httpBoot'>,
): Promise<Machine> {
  await lab.api.putMachine(options.mac, { boot_policy: 'local' });
  const disk = join(lab.workDir, 'disk.raw');
  run('cp', '--sparse=always', image, disk);
  return lab.addMachine({ name: 'target', disks: [{ file: disk }], ...options });
}

/** The machine's newest job, as soon as there is one. */
export function newJob(lab: Served, mac: string): Promise<FlashJob> {
  return eventually(`${mac} has a flash job`, 240_000, async () => (await lab.api.flashJobs(mac))[0]);
}

function jobIsOver(lab: Served, id: string): Promise<FlashJob> {
  return eventually(`flash job ${id} ends`, 480_000, async () => {
    const now = await lab.api.flashJob(id);
    return ['succeeded', 'failed', 'cancelled'].includes(now.state) && now;
  });
}

/** The job once it has failed; success is an error. */
export async function jobFails(lab: Served, id: string): Promise<FlashJob> {
  const job = await jobIsOver(lab, id);
  if (job.state !== 'failed') throw new Error(`the job was to fail, and it ${job.state}`);
  return job;
}

/** Which share of the image is on the disk, from 0 to 1; 0 before the disk is worked on and 1 after it. */
export async function writtenShare(lab: Served, id: string): Promise<number> {
  const { progress } = await lab.api.flashJob(id);
  if (!progress || progress.stage === 'preparing') return 0;
  if (progress.stage !== 'comparing' && progress.stage !== 'writing') return 1;
  return progress.bytes_total ? progress.bytes_done / progress.bytes_total : 0;
}

/** The job once it has succeeded; any other end is thrown with its reason. */
export async function jobSucceeds(lab: Served, id: string): Promise<FlashJob> {
  const job = await jobIsOver(lab, id);
  if (job.state !== 'succeeded') throw new Error(`the job ${job.state}: ${job.error?.code} ${job.error?.message}`);
  return job;
}

/**
 * Waits until the job has succeeded and judges the disk before its first boot: every byte is what `image` (raw) laid over
 * `before`, a disk like the target was, must give. Resolves to the job.
 */
export async function endsAsExpected(
  lab: Lab,
  machine: Machine,
  id: string,
  { disk, before, image }: { disk: string; before: string; image: string },
): Promise<FlashJob> {
  const expected = expectedDisk(before, image, join(lab.workDir, `${machine.name}.expected.raw`));
  await machine.haltAtReboot();
  const job = await jobSucceeds(lab, id);
  await eventually('the agent reboots', 60_000, () => machine.halted());
  expect(differences(disk, expected)).toBe('');
  expect(partitionTableProblems(disk)).toBe('');
  await machine.letReboot();
  return job;
}

/** Resets a flashed machine after its first-boot window and waits until it has another job, which need not end. */
export async function laterBootGetsJob(lab: Lab, machine: Machine, windowSeconds: number): Promise<void> {
  const { last_flashed_at } = await lab.api.machine(machine.mac);
  const windowEnd = Date.parse(String(last_flashed_at)) + (windowSeconds + 5) * 1000;
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, windowEnd - Date.now())));
  await machine.reset();
  await eventually('a second job is received', 240_000, async () => {
    const states = (await lab.api.flashJobs(machine.mac)).map((job) => job.state);
    if (states.length > 2) throw new Error(`more than one job for one boot: ${states}`);
    return states[0] === 'running' && states[1] === 'succeeded';
  });
}
