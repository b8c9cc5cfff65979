import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { FlashJob } from '../../lab/api.ts';
import { type AdminKey, GuestShell, newAdminKey } from '../../lab/guest-shell.ts';
import { Lab } from '../../lab/lab.ts';
import { ACCOUNT, LAB_WORKFLOW, labUserData, NOTE } from '../../lab/lab-account.ts';
import type { Machine } from '../../lab/machine.ts';
import { followRun, newRun } from '../../lab/online-run.ts';
import { eventually } from '../../lab/process.ts';
import { dirtyDisk } from '../disks.ts';
import { jobSucceeds } from '../steps.ts';

const MIB = 2 ** 20;
const MAC = '52:54:00:b7:11:01';
const SSH_TIMEOUT_S = 300;
/** Nobody has it. */
const SILENT_ADDRESS = '10.77.0.99';
const SLOW = 'doc: takes long\nsteps:\n- name: slow\n  run: |\n    echo begun\n    sleep 300\n';

describe('a BIOS machine that is flashed twice with an online workflow', () => {
  let lab: Lab;
  let machine: Machine;
  let key: AdminKey;
  let instanceBefore: string;

  beforeAll(async () => {
    const env = { BTY_RUN_SSH_TIMEOUT: String(SSH_TIMEOUT_S) };
    lab = new Lab({ name: `bty-online-bios-${process.pid}`, bootDir: inject('bootDir'), env });
    await lab.start();
    key = newAdminKey(lab.workDir);
    const disk = dirtyDisk(join(lab.workDir, 'disk.raw'), 1024 * MIB);
    machine = lab.addMachine({ name: 'target', mac: MAC, firmware: 'bios', disks: [{ file: disk }] });
    await lab.api.uploadReady('cloud.img', inject('cloudInitImage'));
    await lab.api.putWorkflow('ready', LAB_WORKFLOW);
    await lab.api.putWorkflow('slow', SLOW);
  });

  afterAll(async () => lab?.stop());

  async function record(note: string, more: Record<string, unknown>): Promise<void> {
    const online = { provisioning_mode: 'cijoe-online', cijoe_workflow_ref: 'ready', ssh_user: ACCOUNT };
    const user_data = labUserData(key.publicKey, note);
    await lab.api.putMachine(MAC, { image: 'cloud.img', boot_policy: 'local', user_data, ...online, ...more });
  }

  async function flash(start: () => void | Promise<void>): Promise<FlashJob> {
    const { id } = await lab.api.call<{ id: string }>('POST', '/flash-jobs', { mac: MAC });
    await start();
    return jobSucceeds(lab, id);
  }

  /** What cloud-init has made of the machine, once it has reported its boot. */
  async function configured(): Promise<{ hostname: string; note: string; instance: string }> {
    const { booted_ip } = await eventually('cloud-init reports the boot', 480_000, async () => {
      const now = await lab.api.machine(MAC);
      return now.booted_at !== null && now;
    });
    const shell = new GuestShell(lab.network, key.file, ACCOUNT, String(booted_ip));
    const seen = await shell.run(`hostname; cat ${NOTE}; sudo cat /var/lib/cloud/data/instance-id`);
    const [hostname = '', note = '', instance = ''] = seen.trim().split('\n');
    return { hostname, note, instance };
  }

  it('has one run however often its flash is said to be done, which fails when nothing answers in time', async () => {
    await record('first', { hostname: 'first-1', ssh_host: SILENT_ADDRESS });
    const { id } = await flash(() => machine.powerOn());
    await Promise.all([1, 2].map(() => lab.api.call('POST', `/pxe/${MAC}/done`)));
    const { hostname, note, instance } = await configured();
    instanceBefore = instance;
    expect([hostname, note]).toEqual(['first-1', 'first']);
    const [run, ...others] = await lab.api.runs(MAC);
    expect(others).toEqual([]);
    const { run: ended } = await followRun(lab, String(run?.id));
    expect([ended.flash_job_id, ended.state, ended.error?.code]).toEqual([id, 'failed', 'SSH_UNREACHABLE']);
    expect(ended.error?.message).toMatch(new RegExp(`^no answer within ${SSH_TIMEOUT_S} s; last: ${SILENT_ADDRESS}`));
    const seconds = (Date.parse(String(ended.finished_at)) - Date.parse(ended.history[0]?.at ?? '')) / 1000;
    expect(seconds).toBeGreaterThan(SSH_TIMEOUT_S - 1);
    expect(seconds).toBeLessThan(SSH_TIMEOUT_S + 60);
  });

  it('is flashed again with other user-data, which wins, and its workflow succeeds', async () => {
    await record('second', { hostname: 'second-2' });
    const [before] = await lab.api.runs(MAC);
    await flash(() => machine.reset());
    const { run } = await followRun(lab, (await newRun(lab, MAC, before?.id)).id);
    expect([run.state, run.error]).toEqual(['succeeded', null]);
    const { hostname, note, instance } = await configured();
    expect([hostname, note]).toEqual(['second-2', 'second']);
    expect(instance).not.toBe(instanceBefore);
    expect((await lab.api.baseline(MAC)).run_id).toBe(run.id);
  });

  it('has its run interrupted when the worker is killed, and the next run is done by another', async () => {
    const post = (ref: string) => lab.api.call<{ id: string }>('POST', '/runs', { mac: MAC, cijoe_workflow_ref: ref });
    const { id } = await post('slow');
    const { run } = await followRun(lab, id, (line) => {
      if (line === 'begun') process.kill(workerOf(lab), 'SIGKILL');
    });
    expect([run.state, run.error?.code]).toEqual(['interrupted', 'INTERRUPTED']);
    const { run: next } = await followRun(lab, (await post('ready')).id);
    expect([next.state, next.error]).toEqual(['succeeded', null]);
  });
});

/** The process id of the worker that the server has started beside itself last. */
function workerOf({ workDir }: Lab): number {
  const log = readFileSync(join(workDir, 'server.log'), 'utf8');
  const started = [...log.matchAll(/the worker is process (\d+)/g)].at(-1);
  if (started === undefined) throw new Error('the server has no worker');
  return Number(started[1]);
}
