import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Lab } from '../lab/lab.ts';
import type { Machine } from '../lab/machine.ts';
import { dirtyDisk } from './disks.ts';
import { qcow2Image } from './images.ts';
import { endsAsExpected } from './steps.ts';

const MIB = 2 ** 20;
const MAC = '52:54:00:b7:0e:01';

describe('a BIOS machine whose policy is local, and a queued job with a qcow2 image', () => {
  let lab: Lab;
  let machine: Machine;
  let disk: string;

  beforeAll(async () => {
    lab = new Lab({ name: `bty-queued-${process.pid}`, bootDir: inject('bootDir') });
    await lab.start();
    disk = dirtyDisk(join(lab.workDir, 'disk.raw'), 768 * MIB);
    machine = lab.addMachine({ name: 'target', mac: MAC, firmware: 'bios', disks: [{ file: disk }] });
    await lab.api.uploadReady('demo.qcow2', qcow2Image(inject('demoImage'), lab.workDir));
    await lab.api.putMachine(MAC, { boot_policy: 'local' });
  });

  afterAll(async () => lab?.stop());

  it('is flashed by its next PXE boot, with every byte as expected', async () => {
    const before = dirtyDisk(join(lab.workDir, 'before.raw'), 768 * MIB);
    const { id } = await lab.api.call<{ id: string }>('POST', '/flash-jobs', { mac: MAC, image: 'demo.qcow2' });
    machine.powerOn();
    await endsAsExpected(lab, machine, id, { disk, before, image: inject('demoImage') });
  });

  it('boots its disk from then on: the job counted once, the policy is what it was', async () => {
    await machine.reachesLogin();
    expect((await lab.api.machine(MAC)).boot_policy).toBe('local');
    await machine.reset();
    await machine.shows(/booting the local disk \(boot policy local\)|this is the first boot after a flash/, 120_000);
    await machine.reachesLogin();
    expect(await lab.api.flashJobs(MAC)).toHaveLength(1);
  });
});
