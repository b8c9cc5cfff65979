import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { blankDisk } from '../../e2e/disks.ts';
import { jobSucceeds, newJob, writtenShare } from '../../e2e/steps.ts';
import type { Run } from '../../lab/api.ts';
import { newAdminKey } from '../../lab/guest-shell.ts';
import { ACCOUNT, labUserData } from '../../lab/lab-account.ts';
import { followRun, newRun } from '../../lab/online-run.ts';
import { eventually } from '../../lab/process.ts';
import { memories } from '../memories.ts';
import { type Part, Stack } from '../stack.ts';

const MAC = '52:54:00:b7:d1:01';
const MIB = 2 ** 20;
const LIMITS_S: Record<Part, number> = { server: 10, worker: 10, postgres: 30, redis: 30, dnsmasq: 30 };
const SLOW = 'doc: takes its time\nsteps:\n- name: long\n  run: |\n    echo begun\n    sleep 40\n    echo done\n';

describe.skipIf(inject('noEngine'))('a machine that is flashed while every container is killed', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = new Stack(`bty-kills-${process.pid}`, inject('release'));
    await stack.start();
    await stack.up();
    const key = newAdminKey(stack.workDir);
    const disk = blankDisk(join(stack.workDir, 'disk.raw'), 1024 * MIB);
    const disks = [{ file: disk, throttleBytesPerSecond: 6 * MIB }];
    const machine = stack.addMachine({ name: 'target', mac: MAC, firmware: 'uefi', disks });
    await stack.api.uploadReady('cloud.img', inject('deployedImage'));
    await stack.api.putWorkflow('slow', SLOW);
    await stack.api.putMachine(MAC, {
      ...{ image: 'cloud.img', boot_policy: 'flash', hostname: 'node-1' },
      ...{ provisioning_mode: 'cijoe-online', cijoe_workflow_ref: 'slow', ssh_user: ACCOUNT },
      user_data: labUserData(key.publicKey, 'x'),
    });
    machine.powerOn();
  });

  afterAll(async () => stack?.stop());

  it('is flashed in one go, whichever is killed', async () => {
    const { id } = await newJob(stack, MAC);
    await eventually('a part is written', 240_000, async () => (await writtenShare(stack, id)) > 0.02);
    for (const part of ['worker', 'redis', 'postgres', 'dnsmasq', 'server'] as const) {
      expect((await stack.api.flashJob(id)).state).toBe('running');
      const seconds = await stack.kill(part);
      const share = await writtenShare(stack, id);
      console.error(
        `deploy: ${part} was killed, worked again after ${seconds.toFixed(1)} s, at ${Math.round(share * 100)} %`,
      );
      expect(seconds).toBeLessThan(LIMITS_S[part]);
      expect(share).toBeLessThan(1);
    }
    expect((await jobSucceeds(stack, id)).epoch).toBe(1);
    expect(await stack.api.flashJobs(MAC)).toHaveLength(1);
  });

  it('has a run that is told as interrupted when its worker is killed, and succeeds when it is asked for again', async () => {
    const { id } = await newRun(stack, MAC);
    await eventually('the workflow has begun', 360_000, async () =>
      (await stack.api.text(`/runs/${id}/log`)).includes('begun'),
    );
    const seconds = await stack.kill('worker');
    console.error(`deploy: the worker was killed in mid-run and worked again after ${seconds.toFixed(1)} s`);
    expect(seconds).toBeLessThan(LIMITS_S.worker);
    await eventually('the run is over', 60_000, async () => (await stack.api.run(id)).state === 'interrupted');
    const again = await stack.api.call<Run>('POST', '/runs', { mac: MAC });
    const { run, log } = await followRun(stack, again.id);
    expect([run.state, log.includes('done')]).toEqual(['succeeded', true]);
  });

  it('has lost nothing when it is restored from its backup after all its volumes were lost', async () => {
    const before = await memories(stack);
    stack.documented('backup');
    stack.compose('down', '--volumes');
    await stack.up('restore');
    expect(await memories(stack)).toEqual(before);
    await stack.api.imageReady('cloud.img');
  });
});
