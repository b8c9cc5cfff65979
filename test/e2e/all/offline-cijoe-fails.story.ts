import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import type { Machine } from '../../lab/machine.ts';
import { eventually } from '../../lab/process.ts';
import { blankEnds, dirtyDisk, sha256OfFile } from '../disks.ts';
import { jobFails, jobSucceeds } from '../steps.ts';
import { putWorkflow } from '../workflows.ts';

const MIB = 2 ** 20;
const MAC = '52:54:00:b7:12:01';

describe('a UEFI machine and workflows that cannot be carried out', () => {
  let lab: Lab;
  let machine: Machine;
  let disk: string;

  beforeAll(async () => {
    lab = new Lab({ name: `bty-cijoef-${process.pid}`, bootDir: inject('bootDir') });
    await lab.start();
    disk = dirtyDisk(join(lab.workDir, 'disk.raw'), 768 * MIB);
    machine = lab.addMachine({ name: 'target', mac: MAC, firmware: 'uefi', disks: [{ file: disk }] });
    await lab.api.uploadReady('demo.img', inject('demoImage'));
    await putWorkflow(lab, 'broken', { good: 'touch $BTY_ROOTFS/etc/touched', broken: 'false' });
    await putWorkflow(lab, 'count', {
      mounts: 'echo "mounts: $(grep -c provision- /proc/self/mountinfo)"',
      loops: 'echo "loops: $(cat /sys/block/loop*/loop/backing_file 2>/dev/null | grep -c .)"',
      greet: 'echo "edited by cijoe" > $BTY_ROOTFS/etc/issue',
    });
  });

  afterAll(async () => lab?.stop());

  const order = async (workflow: string): Promise<string> => {
    const wish = { mac: MAC, image: 'demo.img', provisioning_mode: 'cijoe', cijoe_workflow_ref: workflow };
    return (await lab.api.call<{ id: string }>('POST', '/flash-jobs', wish)).id;
  };

  it('fails before the first byte when it was booted without the layer for workflows', async () => {
    const untouched = await sha256OfFile(disk);
    machine.powerOn();
    await eventually('its agent is connected', 240_000, async () => {
      const machines = await lab.api.call<{ mac: string; agent_connected: boolean }[]>('GET', '/machines');
      return machines.some((one) => one.mac === MAC && one.agent_connected);
    });
    const job = await jobFails(lab, await order('broken'));
    expect(job.error).toMatchObject({
      code: 'MODE_UNSUPPORTED',
      message: expect.stringContaining('start the machine'),
    });
    expect(await sha256OfFile(disk)).toBe(untouched);
    await machine.powerOff();
  });

  it('fails with the name of the step that failed; its report is there, and the disk does not boot', async () => {
    const id = await order('broken');
    machine.powerOn();
    const job = await jobFails(lab, id);
    expect(job.error).toMatchObject({ code: 'WORKFLOW_FAILED', message: expect.stringMatching(/^failed: broken\b/) });
    expect(await lab.api.text(`/flash-jobs/${id}/report/report.html`)).toContain('broken');
    expect(await lab.api.text(`/flash-jobs/${id}/log`)).toContain('step(broken) : failed');
    expect(blankEnds(disk)).toBe(true);
  });

  it('has nothing of it mounted, and is brought up by the next job without another boot', async () => {
    const id = await order('count');
    await jobSucceeds(lab, id);
    const log = await lab.api.text(`/flash-jobs/${id}/log`);
    // Its own root, and nothing else.
    expect(log).toContain('mounts: 1\n');
    expect(log).toContain('loops: 1\n');
    await machine.reachesLogin();
    expect(machine.console()).toContain('edited by cijoe');
  });
});
