import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Lab } from '../lab/lab.ts';
import { run } from '../lab/process.ts';
import { reachesLogin } from './steps.ts';

const MAC = '52:54:00:b7:0c:01';

describe('a BIOS machine whose policy is local', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = new Lab({ name: `bty-local-${process.pid}`, bootDir: inject('bootDir') });
    await lab.start();
    await lab.api.putMachine(MAC, { boot_policy: 'local' });
  });

  afterAll(async () => lab?.stop());

  it('boots its own disk although the network comes first', async () => {
    const disk = join(lab.workDir, 'disk.raw');
    run('cp', '--sparse=always', inject('demoImage'), disk);
    const machine = lab.addMachine({ name: 'target', mac: MAC, firmware: 'bios', disks: [{ file: disk }] });
    machine.powerOn();
    await reachesLogin(machine);
    const record = await lab.api.machine(MAC);
    // without a contact the firmware would have skipped the network, and the story would have told nothing
    expect(record.last_seen_at).not.toBeNull();
    expect(record).toMatchObject({ last_flashed_at: null, agent_connected: false });
    expect(await lab.api.flashJobs(MAC)).toEqual([]);
  });
});
