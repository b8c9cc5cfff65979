import { afterEach, describe, expect, inject, it } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import { localMachine } from '../steps.ts';

const MAC = '52:54:00:b7:13:01';

describe('a BIOS machine whose network card is not iPXE', () => {
  let lab: Lab | undefined;

  afterEach(async () => lab?.stop());

  it.each(['full', 'proxy'] as const)('is given our iPXE by %s DHCP and boots its own disk', async (dhcp) => {
    lab = new Lab({ name: `bty-rom-${process.pid}`, bootDir: inject('bootDir'), dhcp });
    await lab.start();
    const machine = await localMachine(lab, inject('demoImage'), { mac: MAC, firmware: 'bios', foreignRom: true });
    machine.powerOn();
    await machine.shows(/undionly\.kpxe/, 60_000);
    await machine.shows(/booting the local disk \(boot policy local\)/, 60_000);
    await machine.reachesLogin();
    expect((await lab.api.machine(MAC)).last_seen_at).not.toBeNull();
  });
});
