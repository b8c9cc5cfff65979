/** What stories wait for. */
import type { FlashJob } from '../lab/api.ts';
import type { Lab } from '../lab/lab.ts';
import type { Machine } from '../lab/machine.ts';
import { eventually } from '../lab/process.ts';

/** The prompt of the demo image's console. */
const LOGIN = /bty-demo login: $/m;

/** The machine's newest job, as soon as there is one. */
export function newJob(lab: Lab, mac: string): Promise<FlashJob> {
  return eventually(`${mac} has a flash job`, 240_000, async () => (await lab.api.flashJobs(mac))[0]);
}

/** The job once it has succeeded; any other end is thrown with its reason. */
export async function jobEnds(lab: Lab, id: string): Promise<FlashJob> {
  const job = await eventually(`flash job ${id} ends`, 480_000, async () => {
    const now = await lab.api.flashJob(id);
    return ['succeeded', 'failed', 'cancelled'].includes(now.state) && now;
  });
  if (job.state !== 'succeeded') throw new Error(`the job ${job.state}: ${job.error?.code} ${job.error?.message}`);
  return job;
}

/** Lets `look` judge the machine's disks between the end of a flash and the first boot, while nothing can write to them. */
export async function beforeFirstBoot(machine: Machine, look: () => void | Promise<void>): Promise<void> {
  await eventually('the agent reboots', 60_000, () => /rebooting/i.test(machine.console()), 20);
  await machine.pause();
  try {
    await look();
  } finally {
    await machine.resume();
  }
}

export async function reachesLogin(machine: Machine): Promise<void> {
  await machine.shows(LOGIN, 360_000);
}
