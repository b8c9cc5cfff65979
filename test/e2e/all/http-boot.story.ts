import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import { localMachine } from '../steps.ts';

const MAC = '52:54:00:b7:14:01';

describe('a UEFI machine that boots by HTTP instead of TFTP', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = new Lab({ name: `bty-http-${process.pid}`, bootDir: inject('bootDir') });
    await lab.start();
  });

  afterAll(async () => lab?.stop());

  it('is given our iPXE by bty itself and boots its own disk', async () => {
    const machine = await localMachine(lab, inject('demoImage'), { mac: MAC, firmware: 'uefi', httpBoot: true });
    machine.powerOn();
    await machine.shows(/Start HTTP Boot over IPv4/, 60_000);
    await machine.shows(/booting the local disk \(boot policy local\)/, 120_000);
    await machine.reachesLogin();
  });
});
