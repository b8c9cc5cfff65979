import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Lab } from '../lab/lab.ts';
import type { Machine } from '../lab/machine.ts';
import { blankDisk } from './disks.ts';
import { endsAsExpected, laterBootGetsJob, newJob } from './steps.ts';

const GIB = 2 ** 30;
const MAC = '52:54:00:b7:0a:01';
const WINDOW_S = 45;

describe('a blank BIOS machine whose policy is flash', () => {
  let lab: Lab;
  let machine: Machine;
  let disk: string;

  beforeAll(async () => {
    lab = new Lab({
      name: `bty-flash-${process.pid}`,
      bootDir: inject('bootDir'),
      env: { BTY_FIRST_BOOT_WINDOW: String(WINDOW_S) },
    });
    await lab.start();
    disk = blankDisk(join(lab.workDir, 'disk.raw'), GIB);
    machine = lab.addMachine({ name: 'target', mac: MAC, firmware: 'bios', disks: [{ file: disk }] });
    await lab.api.uploadReady('demo.img', inject('demoImage'));
    await lab.api.putMachine(MAC, { image: 'demo.img', boot_policy: 'flash' });
  });

  afterAll(async () => lab?.stop());

  it('is flashed when it is powered on, with every byte as expected', async () => {
    const before = blankDisk(join(lab.workDir, 'before.raw'), GIB);
    machine.powerOn();
    const { id } = await newJob(lab, MAC);
    await endsAsExpected(lab, machine, id, { disk, before, image: inject('demoImage') });
  });

  it('reaches the login of its new OS although the network comes first', async () => {
    await machine.reachesLogin();
    const record = await lab.api.machine(MAC);
    expect(record.last_flashed_at).not.toBeNull();
    expect(record.boot_policy).toBe('flash');
    expect(await lab.api.flashJobs(MAC)).toHaveLength(1);
  });

  it('is given a new flash job by a later PXE boot', async () => {
    await laterBootGetsJob(lab, machine, WINDOW_S);
  });
});
