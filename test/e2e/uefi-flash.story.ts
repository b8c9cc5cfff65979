import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Lab } from '../lab/lab.ts';
import type { Machine } from '../lab/machine.ts';
import { bootOrder } from '../lab/uefi-variables.ts';
import { blankDisk } from './disks.ts';
import { compressedImage } from './images.ts';
import { endsAsExpected, laterBootGetsJob, newJob } from './steps.ts';

const GIB = 2 ** 30;
const MAC = '52:54:00:b7:0d:01';
const WINDOW_S = 60;

describe('a blank UEFI machine whose policy is flash, and a compressed image', () => {
  let lab: Lab;
  let machine: Machine;
  let disk: string;
  let orderBefore: number[];

  beforeAll(async () => {
    lab = new Lab({
      name: `bty-uefi-${process.pid}`,
      bootDir: inject('bootDir'),
      env: { BTY_FIRST_BOOT_WINDOW: String(WINDOW_S) },
    });
    await lab.start();
    disk = blankDisk(join(lab.workDir, 'disk.raw'), GIB);
    machine = lab.addMachine({ name: 'target', mac: MAC, firmware: 'uefi', disks: [{ file: disk }] });
    await lab.api.uploadReady('demo.img.zst', compressedImage(inject('demoImage'), lab.workDir));
    await lab.api.putMachine(MAC, { image: 'demo.img.zst', boot_policy: 'flash' });
  });

  afterAll(async () => lab?.stop());

  it('is flashed when it is powered on, with every byte as expected', async () => {
    const before = blankDisk(join(lab.workDir, 'before.raw'), GIB);
    machine.powerOn();
    const { id } = await newJob(lab, MAC);
    orderBefore = bootOrder(machine.variables);
    await endsAsExpected(lab, machine, id, { disk, before, image: inject('demoImage') });
  });

  it('has asked the firmware for the disk once, and boots it without the network', async () => {
    await machine.shows(/asked the firmware to boot entry [0-9A-F]{4} /, 60_000);
    const { last_seen_at } = await lab.api.machine(MAC);
    await machine.reachesLogin();
    expect((await lab.api.machine(MAC)).last_seen_at).toBe(last_seen_at);
    expect(await lab.api.flashJobs(MAC)).toHaveLength(1);
  });

  it('still tries the network first: the boot order is what it was', async () => {
    expect(orderBefore.length).toBeGreaterThan(1);
    expect(bootOrder(machine.variables).slice(0, orderBefore.length)).toEqual(orderBefore);
  });

  it('is given a new flash job by a later PXE boot', async () => {
    await laterBootGetsJob(lab, machine, WINDOW_S);
  });
});
