import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { FlashJob } from '../lab/api.ts';
import { provisioningSeconds, stagesEntered } from '../lab/job-stages.ts';
import type { Lab } from '../lab/lab.ts';
import type { Machine } from '../lab/machine.ts';
import { eventually } from '../lab/process.ts';
import type { Act } from './act.ts';
import type { ProgressLine } from './progress-line.ts';
import type { Timeline } from './timeline.ts';

/** What is flashed, and what configures it. */
export interface DemoOrder {
  readonly image: string;
  readonly provisioning: string;
  readonly act: Act;
}

/**
 * Gives the image to the server, powers the machine on with policy `flash`, and follows it to its login and to the end of
 * what configures it.
 */
export async function flashToLogin(
  lab: Lab,
  machine: Machine,
  { image, provisioning, act }: DemoOrder,
  view: ProgressLine,
): Promise<Timeline> {
  const { api } = lab;
  const events: Timeline['events'] = [];
  const mark = (event: string, at = Date.now()): void => {
    events.push({ event, seconds: Math.round((at - machine.poweredOnAt) / 100) / 10 });
  };
  const stage = { lab, machine, view, mark };
  view.note(`uploading ${basename(image)}`);
  const catalogued = await api.uploadImage(basename(image), image);
  const fields = await act.prepare(stage);
  await api.putMachine(machine.mac, { image: catalogued.name, boot_policy: 'flash', hostname: 'demo', ...fields });

  view.note(`powering on ${machine.mac}: a blank disk, the network first in its boot order`);
  machine.powerOn();
  await machine.shows(/Linux version/, 240_000);
  mark('live env: kernel runs');
  view.note('the live env starts');
  const started = await eventually(
    'the agent has a flash job',
    240_000,
    async () => (await api.flashJobs(machine.mac))[0],
  );
  mark('agent connected, flash job created', Date.parse(started.created_at));
  view.note('the agent is connected and has its flash job');
  const job = await followJob(lab, started.id, view);
  if (job.state !== 'succeeded')
    throw new Error(`the flash job ${job.state}: ${job.error?.message ?? 'no reason given'}`);
  if (!job.result) throw new Error('the flash job succeeded without a result');
  for (const { at, stage: name } of stagesEntered(job)) mark(name, Date.parse(at));
  mark('flashed, read back and found right; reboot', Date.parse(job.finished_at ?? ''));
  view.note('flashed; the machine boots its new OS');
  const login = async (): Promise<void> => {
    await machine.reachesLogin();
    mark('login prompt of the new OS, from its own disk');
  };
  const [{ checks, figures }] = await Promise.all([act.follow(stage), login()]);
  const seed = provisioningSeconds(job);
  return {
    firmware: machine.firmware,
    provisioning,
    image: { name: catalogued.name, size_bytes: catalogued.size_bytes, sha256: catalogued.sha256 ?? '' },
    disk_bytes: statSync(`${lab.workDir}/blank-disk.raw`).size,
    events: events.toSorted((a, b) => a.seconds - b.seconds),
    flash: {
      bytes_fetched: job.result.bytes_fetched,
      bytes_written: job.result.bytes_written,
      bytes_skipped: job.result.bytes_skipped,
      bytes_zeroed: job.result.bytes_zeroed,
      bytes_verified: job.result.bytes_verified,
      seconds: job.result.duration_ms / 1000,
      agent_peak_rss_bytes: job.result.peak_rss_bytes,
    },
    checks: [...checks],
    figures: { ...(seed === undefined ? {} : { 'provisioning of the flashed disk': seed }), ...figures },
    swagger: `${api.baseUrl}/docs`,
  };
}

async function followJob(lab: Lab, id: string, view: ProgressLine): Promise<FlashJob> {
  return eventually('the flash job ends', 600_000, async () => {
    const job = await lab.api.flashJob(id);
    if (job.progress) view.show(job.progress);
    return ['succeeded', 'failed', 'cancelled'].includes(job.state) && job;
  });
}
