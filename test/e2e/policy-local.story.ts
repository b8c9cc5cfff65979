import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Lab } from '../lab/lab.ts';
import type { Machine } from '../lab/machine.ts';
import { eventually, run } from '../lab/process.ts';
import { differences } from './disks.ts';
import { jobSucceeds } from './steps.ts';

const MAC = '52:54:00:b7:0c:01';

describe('a BIOS machine whose policy is local', () => {
  let lab: Lab;
  let machine: Machine;
  let disk: string;

  beforeAll(async () => {
    lab = new Lab({ name: `bty-local-${process.pid}`, bootDir: inject('bootDir') });
    await lab.start();
    await lab.api.putMachine(MAC, { boot_policy: 'local' });
    disk = join(lab.workDir, 'disk.raw');
    run('cp', '--sparse=always', inject('demoImage'), disk);
    machine = lab.addMachine({ name: 'target', mac: MAC, firmware: 'bios', disks: [{ file: disk }] });
  });

  afterAll(async () => lab?.stop());

  it('boots its own disk although the network comes first', async () => {
    machine.powerOn();
    await machine.reachesLogin();
    const record = await lab.api.machine(MAC);
    // without a contact the firmware would have skipped the network, and the story would have told nothing
    expect(record.last_seen_at).not.toBeNull();
    expect(record).toMatchObject({ last_flashed_at: null, agent_connected: false });
    expect(await lab.api.flashJobs(MAC)).toEqual([]);
    await machine.powerOff();
  });

  it('has its disk checked in the live env once, unchanged, and boots it again', async () => {
    const flashed = join(lab.workDir, 'flashed.raw');
    run('cp', '--sparse=always', disk, flashed);
    await lab.api.uploadReady('demo.img', inject('demoImage'));
    const { id } = await lab.api.call<{ id: string }>('POST', '/flash-jobs', {
      mac: MAC,
      image: 'demo.img',
      kind: 'check',
    });
    machine.powerOn();
    await machine.haltAtReboot();
    const { check_result: found } = await jobSucceeds(lab, id);
    // its system has written to it when it was up
    expect(found).toMatchObject({ equal: false, partitions: [expect.objectContaining({ name: 'root' })] });
    await eventually('the agent reboots', 60_000, () => machine.halted());
    expect(differences(disk, flashed)).toBe('');
    await machine.letReboot();
    await machine.reachesLogin();
    expect(await lab.api.machine(MAC)).toMatchObject({ last_flashed_at: null, last_flash_job: null });
  });
});
