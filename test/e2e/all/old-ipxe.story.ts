import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import { localMachine } from '../steps.ts';

const MAC = '52:54:00:b7:12:01';

describe('a UEFI machine whose card carries an iPXE of 2019, and whose policy is local', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = new Lab({ name: `bty-old-${process.pid}`, bootDir: inject('bootDir') });
    await lab.start();
  });

  afterAll(async () => lab?.stop());

  it('loads an iPXE that can boot a disk, once, and boots its own disk', async () => {
    const machine = await localMachine(lab, inject('demoImage'), { mac: MAC, firmware: 'uefi', oldIpxeRom: true });
    machine.powerOn();
    await machine.shows(/loading an iPXE that can boot a disk under UEFI/, 120_000);
    await machine.reachesLogin();
    expect(machine.console().match(/loading an iPXE/g)).toHaveLength(1);
    expect(await lab.api.machine(MAC)).toMatchObject({ last_flashed_at: null, agent_connected: false });
  });
});
