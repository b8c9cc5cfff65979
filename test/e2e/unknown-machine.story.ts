import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Lab } from '../lab/lab.ts';
import type { Machine } from '../lab/machine.ts';
import { eventually } from '../lab/process.ts';
import { dirtyDisk, sha256OfFile } from './disks.ts';
import { endsAsExpected } from './steps.ts';

const MIB = 2 ** 20;
const MAC = '52:54:00:b7:0b:01';

describe('a BIOS machine that the server has never seen', () => {
  let lab: Lab;
  let machine: Machine;
  let disk: string;

  beforeAll(async () => {
    lab = new Lab({ name: `bty-new-${process.pid}`, bootDir: inject('bootDir') });
    await lab.start();
    disk = dirtyDisk(join(lab.workDir, 'disk.raw'), 600 * MIB);
    // 640 MiB is the least that the live env promises to run in
    machine = lab.addMachine({ name: 'target', mac: MAC, firmware: 'bios', disks: [{ file: disk }], memoryMiB: 640 });
    await lab.api.uploadReady('demo.img', inject('demoImage'));
  });

  afterAll(async () => lab?.stop());

  it('becomes a record with policy tui and an interactive live env, and nothing is written', async () => {
    const untouched = await sha256OfFile(disk);
    machine.powerOn();
    const record = await eventually('its agent is connected', 240_000, async () => {
      const machines = await lab.api.call<Awaited<ReturnType<typeof lab.api.machine>>[]>('GET', '/machines');
      return machines.find((one) => one.mac === MAC && one.agent_connected);
    });
    expect(record).toMatchObject({ boot_policy: 'tui', image: null, active_flash_job: null });
    expect(record.inventory?.disks.map((one) => one.size_bytes)).toEqual([600 * MIB]);
    expect(await lab.api.flashJobs(MAC)).toEqual([]);
    await machine.shows(/> demo\.img/, 60_000);
    expect(await sha256OfFile(disk)).toBe(untouched);
  });

  it('takes a job that is queued for it and carries it out', async () => {
    const before = dirtyDisk(join(lab.workDir, 'before.raw'), 600 * MIB);
    const { id } = await lab.api.call<{ id: string }>('POST', '/flash-jobs', { mac: MAC, image: 'demo.img' });
    const seen = machine.shows(/The server has handed over a flash job/, 120_000);
    await endsAsExpected(lab, machine, id, { disk, before, image: inject('demoImage') });
    await seen;
    expect((await lab.api.machine(MAC)).boot_policy).toBe('tui');
  });

  it('boots the disk that it was given', async () => {
    await machine.reachesLogin();
  });
});
