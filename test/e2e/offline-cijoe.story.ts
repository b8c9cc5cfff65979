import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Lab } from '../lab/lab.ts';
import type { Machine } from '../lab/machine.ts';
import { blankDisk } from './disks.ts';
import { jobSucceeds, newJob } from './steps.ts';
import { putWorkflow } from './workflows.ts';

const MIB = 2 ** 20;
const MAC = '52:54:00:b7:11:01';

describe('a BIOS machine whose record says cijoe', () => {
  let lab: Lab;
  let machine: Machine;

  beforeAll(async () => {
    lab = new Lab({ name: `bty-cijoe-${process.pid}`, bootDir: inject('bootDir') });
    await lab.start();
    const disk = blankDisk(join(lab.workDir, 'disk.raw'), 768 * MIB);
    machine = lab.addMachine({ name: 'target', mac: MAC, firmware: 'bios', disks: [{ file: disk }] });
    await Promise.all([
      lab.api.uploadReady('demo.img', inject('demoImage')),
      putWorkflow(lab, 'edit', {
        greet: 'echo "edited by cijoe on {{ config.bty.mac }}" > $BTY_ROOTFS/etc/issue',
        look: 'cat $BTY_ROOTFS/etc/os-release',
      }),
    ]);
    await lab.api.putMachine(MAC, {
      image: 'demo.img',
      boot_policy: 'flash',
      provisioning_mode: 'cijoe',
      cijoe_workflow_ref: 'edit',
    });
  });

  afterAll(async () => lab?.stop());

  it('is flashed and edited by its workflow, whose log and report are on the server', async () => {
    machine.powerOn();
    const { id } = await newJob(lab, MAC);
    await jobSucceeds(lab, id);
    expect(await lab.api.text(`/flash-jobs/${id}/log`)).toContain('PRETTY_NAME="Debian GNU/Linux');
    expect(await lab.api.text(`/flash-jobs/${id}/report/report.html`)).toContain('<html');
    expect(await lab.api.text(`/flash-jobs/${id}/report/task.state`)).toContain('name: greet');
  });

  it('shows at its first boot what the workflow has edited', async () => {
    await machine.reachesLogin();
    expect(machine.console()).toContain(`edited by cijoe on ${MAC}`);
  });
});
