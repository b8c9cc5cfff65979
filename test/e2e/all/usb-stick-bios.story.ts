import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { atShell, leaveForShell } from '../../lab/console-hand.ts';
import { Lab } from '../../lab/lab.ts';
import type { Machine } from '../../lab/machine.ts';
import { run } from '../../lab/process.ts';
import { onImages, partitionsOf, systemDigest } from '../../lab/stick.ts';
import { blankDisk, partitionTableProblems } from '../disks.ts';
import { buildStick } from '../stick-steps.ts';

const MIB = 2 ** 20;
/** Larger than the image in two steps, as when it is copied from stick to stick. */
const [LARGER, LARGEST] = [6000 * MIB, 7000 * MIB];
const BTY = join(import.meta.dirname, '../../../dist/agent-bundle/bty');
const LONGEST_WAIT_S = 10;

describe('a USB stick in a BIOS machine on a network that gives no address', () => {
  let lab: Lab;
  let stick: string;
  let systemBefore: string;
  let boots = 0;

  const start = async (): Promise<Machine> => {
    boots += 1;
    const disks = [{ file: stick, stick: true, serial: 'STICK-0002' }];
    const shape = { firmware: 'bios', networkFirst: false, disks } as const;
    const machine = lab.addMachine({ name: `boot-${boots}`, mac: `52:54:00:b7:16:0${boots}`, ...shape });
    machine.powerOn();
    await machine.shows(/Which image\?/, 240_000);
    return machine;
  };
  const imagesEnd = (): number => {
    const last = partitionsOf(stick).at(-1);
    return last?.name === 'BTY_IMAGES' ? last.startBytes + last.sizeBytes : 0;
  };
  const room = async (machine: Machine): Promise<number> =>
    Number(await atShell(machine, 'df --output=size -B1 /var/lib/bty/images | tail -n 1'));

  beforeAll(async () => {
    lab = new Lab({ name: `bty-usb-bios-${process.pid}`, bootDir: inject('bootDir') });
    buildStick(join(lab.workDir, 'built.img'), '--size', '4G');
    run('sh', '-ec', 'cd "$1"; sha256sum --check --quiet built.img.sha256 built.img.zst.sha256', 'sh', lab.workDir);
    stick = blankDisk(join(lab.workDir, 'stick.img'), LARGER);
    const device = run('losetup', '--find', '--show', stick).trim();
    try {
      const image = join(lab.workDir, 'built.img.zst');
      run(BTY, 'flash', '--image', image, '--target', device, '--yes', '--progress', 'none');
    } finally {
      run('losetup', '--detach', device);
    }
    systemBefore = await systemDigest(stick);
  }, 600_000);

  afterAll(async () => lab?.stop());

  it('enlarges BTY_IMAGES once to the end of the stick that bty flash wrote it to, while that is empty', async () => {
    expect(imagesEnd()).toBeLessThan(4e9);
    const machine = await start();
    await machine.shows(/There is no image here\./, 60_000);
    await leaveForShell(machine);
    expect(await atShell(machine, 'dmesg | grep -c "bty: BTY_IMAGES is enlarged"')).toBe('1');
    expect(await room(machine)).toBeGreaterThan(LARGER - 3100 * MIB);
    await atShell(machine, 'echo kept >/var/lib/bty/images/note.txt; sync');
    // what waits for something leaves the processor idle, however slow that is
    const idle = await atShell(machine, 'echo $(($(cut -d " " -f 6 /proc/stat | head -n 1) / $(getconf CLK_TCK)))');
    expect(Number(idle)).toBeLessThan(LONGEST_WAIT_S);
    expect(await atShell(machine, 'systemctl list-jobs --no-legend')).toBe('');
    expect(await atShell(machine, 'networkctl --no-legend --no-pager list')).toMatch(/ether +\S+ +configuring/);
    await machine.powerOff();
    expect(partitionTableProblems(stick)).toBe('');
    expect(imagesEnd()).toBe(LARGER - MIB);
    expect(await systemDigest(stick)).toBe(systemBefore);
  });

  it('leaves BTY_IMAGES with a file on a still larger stick as it is, and says how to enlarge it', async () => {
    truncateSync(stick, LARGEST);
    const machine = await start();
    await machine.shows(/BTY_IMAGES could be 1\.0 GB larger; press q to read how\./, 60_000);
    await leaveForShell(machine);
    await machine.shows(/copy your files elsewhere, delete them from the stick/, 60_000);
    expect(await atShell(machine, 'cat /var/lib/bty/images/note.txt')).toBe('kept');
    expect(await room(machine)).toBeLessThan(LARGER - 2900 * MIB);
    await machine.powerOff();
    expect(imagesEnd()).toBe(LARGER - MIB);
    onImages(stick, (folder) => expect(run('ls', folder)).toBe('note.txt\n'));
  });
});
