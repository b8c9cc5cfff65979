import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Lab } from '../lab/lab.ts';
import type { Machine } from '../lab/machine.ts';
import { eventually } from '../lab/process.ts';
import { blankEnds, dirtyDisk } from './disks.ts';
import { endsAsExpected, newJob, writtenShare } from './steps.ts';

const MIB = 2 ** 20;
const MAC = '52:54:00:b7:10:01';
const PROBE = '52:54:00:b7:10:02';

describe('a BIOS machine that loses its power in mid-flash, on a network whose router does DHCP', () => {
  let lab: Lab;
  let machine: Machine;
  let disk: string;

  beforeAll(async () => {
    lab = new Lab({ name: `bty-reset-${process.pid}`, bootDir: inject('bootDir'), dhcp: 'proxy' });
    await lab.start();
    disk = dirtyDisk(join(lab.workDir, 'disk.raw'), 640 * MIB);
    const disks = [{ file: disk, throttleBytesPerSecond: 24 * MIB }];
    machine = lab.addMachine({ name: 'target', mac: MAC, firmware: 'bios', disks });
    await lab.api.uploadReady('demo.img', inject('demoImage'));
    await lab.api.putMachine(MAC, { image: 'demo.img', boot_policy: 'flash' });
  });

  afterAll(async () => lab?.stop());

  it('is left with a disk that cannot be taken for a good one', async () => {
    machine.powerOn();
    const { id } = await newJob(lab, MAC);
    await eventually('a third is written', 240_000, async () => (await writtenShare(lab, id)) > 0.3);
    await machine.powerOff();
    expect((await writtenShare(lab, id)) < 0.95).toBe(true);
    expect(blankEnds(disk)).toBe(true);
    const probe = lab.addMachine({
      name: 'probe',
      mac: PROBE,
      firmware: 'bios',
      disks: [{ file: disk }],
      networkFirst: false,
    });
    probe.powerOn();
    await probe.shows(/not a bootable disk/i, 60_000);
    await probe.powerOff();
  });

  it('is flashed again by its next contact, under the same job, and is then right', async () => {
    const before = dirtyDisk(join(lab.workDir, 'before.raw'), 640 * MIB);
    machine.powerOn();
    const [job] = await lab.api.flashJobs(MAC);
    const done = await endsAsExpected(lab, machine, String(job?.id), { disk, before, image: inject('demoImage') });
    expect(done.epoch).toBe(2);
    await machine.reachesLogin();
    expect(await lab.api.flashJobs(MAC)).toHaveLength(1);
  });
});
