import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { flashByHand } from '../lab/console-hand.ts';
import { Lab } from '../lab/lab.ts';
import type { Machine } from '../lab/machine.ts';
import { differences, dirtyDisk, expectedDisk, partitionTableProblems } from './disks.ts';

const MIB = 2 ** 20;
const MAC = '52:54:00:b7:12:01';
const SERIAL = 'CONSOLE-0042';

describe('a person at the serial console of a BIOS machine with policy tui', () => {
  let lab: Lab;
  let machine: Machine;
  let disk: string;

  beforeAll(async () => {
    lab = new Lab({ name: `bty-con-${process.pid}`, bootDir: inject('bootDir') });
    await lab.start();
    disk = dirtyDisk(join(lab.workDir, 'disk.raw'), 600 * MIB);
    const disks = [{ file: disk, serial: SERIAL }];
    machine = lab.addMachine({ name: 'target', mac: MAC, firmware: 'bios', disks, memoryMiB: 640 });
    await lab.api.uploadReady('demo.img', inject('demoImage'));
  });

  afterAll(async () => lab?.stop());

  it('picks an image and a disk, names the disk, and has it flashed', async () => {
    const before = dirtyDisk(join(lab.workDir, 'before.raw'), 600 * MIB);
    machine.powerOn();
    await flashByHand(machine, { image: 'demo.img', disk: '/dev/vda', serial: SERIAL });
    await machine.shows(/The server was told\./, 30_000);
    const expected = expectedDisk(before, inject('demoImage'), join(lab.workDir, 'expected.raw'));
    expect(differences(disk, expected)).toBe('');
    expect(partitionTableProblems(disk)).toBe('');
    const record = await lab.api.machine(MAC);
    expect(record).toMatchObject({ boot_policy: 'tui', active_flash_job: null });
    expect(record.last_flashed_at).not.toBeNull();
  });

  it('boots from that disk with a key, although the network comes first', async () => {
    machine.type('b');
    await machine.reachesLogin();
  });
});
