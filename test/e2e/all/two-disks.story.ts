import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import type { Machine } from '../../lab/machine.ts';
import { dirtyDisk, sha256OfFile } from '../disks.ts';
import { endsAsExpected, jobFails, newJob } from '../steps.ts';

const MIB = 2 ** 20;
const MAC = '52:54:00:b7:0f:01';
const [KEPT, WANTED] = ['KEEP-0001', 'FLASH-0002'];

describe('a UEFI machine with two disks, on a network whose router does DHCP', () => {
  let lab: Lab;
  let machine: Machine;
  let kept: string;
  let wanted: string;
  let keptBefore: string;

  beforeAll(async () => {
    lab = new Lab({ name: `bty-two-${process.pid}`, bootDir: inject('bootDir'), dhcp: 'proxy' });
    await lab.start();
    kept = dirtyDisk(join(lab.workDir, 'kept.raw'), 640 * MIB);
    wanted = dirtyDisk(join(lab.workDir, 'wanted.raw'), 600 * MIB);
    keptBefore = await sha256OfFile(kept);
    const disks = [
      { file: kept, serial: KEPT },
      { file: wanted, serial: WANTED },
    ];
    machine = lab.addMachine({ name: 'target', mac: MAC, firmware: 'uefi', disks });
    await lab.api.uploadReady('demo.img', inject('demoImage'));
    await lab.api.putMachine(MAC, { image: 'demo.img', boot_policy: 'flash' });
  });

  afterAll(async () => lab?.stop());

  it('is refused without a hint, with every disk and its reason, and stays where it is', async () => {
    const wantedBefore = await sha256OfFile(wanted);
    machine.powerOn();
    const job = await jobFails(lab, (await newJob(lab, MAC)).id);
    expect(job.error?.code).toBe('TARGET_AMBIGUOUS');
    expect(job.error?.message).toMatch(/2 disks may be written[\s\S]*\/dev\/vda[\s\S]*\/dev\/vdb/);
    expect(await sha256OfFile(kept)).toBe(keptBefore);
    expect(await sha256OfFile(wanted)).toBe(wantedBefore);
    await machine.shows(/FAILED/, 30_000);
    expect(await lab.api.machine(MAC)).toMatchObject({ agent_connected: true, active_flash_job: null });
  });

  it('has the disk of the hint flashed by the waiting agent, and not a byte of the other changed', async () => {
    const before = dirtyDisk(join(lab.workDir, 'before.raw'), 600 * MIB);
    await lab.api.putMachine(MAC, { image: 'demo.img', boot_policy: 'local', target_hint: { serial: WANTED } });
    const { id } = await lab.api.call<{ id: string }>('POST', '/flash-jobs', { mac: MAC });
    await endsAsExpected(lab, machine, id, { disk: wanted, before, image: inject('demoImage') });
    expect(await sha256OfFile(kept)).toBe(keptBefore);
  });

  it('boots that disk, also by the policy local through the network', async () => {
    await machine.reachesLogin();
    await machine.reset();
    await machine.shows(/booting the local disk/, 120_000);
    await machine.reachesLogin();
    expect(await sha256OfFile(kept)).toBe(keptBefore);
  });
});
