import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { atShell, flashByHand, leaveForShell } from '../../lab/console-hand.ts';
import { Lab } from '../../lab/lab.ts';
import type { Machine } from '../../lab/machine.ts';
import { run } from '../../lab/process.ts';
import { onImages, partitionsOf, putImages, systemDigest } from '../../lab/stick.ts';
import { blankDisk, differences, dirtyDisk, expectedDisk, partitionTableProblems } from '../disks.ts';
import { compressedImage } from '../images.ts';
import { buildStick } from '../stick-steps.ts';

const MIB = 2 ** 20;
/** Larger than the image in two steps, as when it is copied from stick to stick. */
const [LARGER, LARGEST] = [6000 * MIB, 7000 * MIB];
const BTY = join(import.meta.dirname, '../../../dist/agent-bundle/bty');
const LONGEST_WAIT_S = 10;
const SERIAL = 'INTERNAL-0816';
/** What waits for something leaves the processor idle, however slow that is. */
const IDLE_SECONDS = 'echo $(($(cut -d " " -f 6 /proc/stat | head -n 1) / $(getconf CLK_TCK)))';
const IMAGES = '/var/lib/bty/images';

describe('a USB stick in a BIOS machine on a network that gives no address', () => {
  let lab: Lab;
  let stick: string;
  let systemBefore: string;
  let boots = 0;

  const powerOn = (...disks: { file: string; serial: string; stick?: boolean }[]): Machine => {
    boots += 1;
    const shape = { firmware: 'bios', networkFirst: false, disks } as const;
    const machine = lab.addMachine({ name: `boot-${boots}`, mac: `52:54:00:b7:16:0${boots}`, ...shape });
    machine.powerOn();
    return machine;
  };
  const start = async (...internal: { file: string; serial: string }[]): Promise<Machine> => {
    const machine = powerOn({ file: stick, stick: true, serial: 'STICK-0002' }, ...internal);
    await machine.shows(/Which image\?/, 240_000);
    return machine;
  };
  const imagesEnd = (): number => {
    const last = partitionsOf(stick).at(-1);
    return last?.name === 'BTY_IMAGES' ? last.startBytes + last.sizeBytes : 0;
  };
  const room = async (machine: Machine): Promise<number> =>
    Number(await atShell(machine, `df --output=size -B1 ${IMAGES} | tail -n 1`));

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
    // as Windows, macOS and a Linux desktop leave it
    onImages(stick, (folder) => {
      for (const litter of ['System Volume Information', '.Trashes/501', '.Trash-1000/files']) {
        mkdirSync(join(folder, litter), { recursive: true });
      }
      writeFileSync(join(folder, 'System Volume Information/WPSettings.dat'), 'litter');
    });
    systemBefore = await systemDigest(stick);
  }, 600_000);

  afterAll(async () => lab?.stop());

  it('enlarges BTY_IMAGES once to the end of the stick that bty flash wrote it to, while that is empty', async () => {
    expect(imagesEnd()).toBeLessThan(4e9);
    const machine = await start();
    await machine.shows(/There is no image here\./, 60_000);
    await leaveForShell(machine);
    expect(Number(await atShell(machine, IDLE_SECONDS))).toBeLessThan(LONGEST_WAIT_S);
    expect(await room(machine)).toBeGreaterThan(LARGER - 3100 * MIB);
    const again = `umount ${IMAGES}; /usr/lib/bty/grow-images; systemctl start var-lib-bty-images.mount`;
    expect(await atShell(machine, `${again}; dmesg | grep -c "bty: BTY_IMAGES is enlarged"`)).toBe('1');
    await atShell(machine, `cd ${IMAGES}; ssh-keygen -q -t ed25519 -N "" -f key; mv key.pub authorized_keys; sync`);
    expect(await atShell(machine, 'systemctl list-jobs --no-legend')).toBe('');
    expect(await atShell(machine, 'networkctl --no-legend --no-pager list')).toMatch(/ether +\S+ +configuring/);
    await machine.powerOff();
    expect(partitionTableProblems(stick)).toBe('');
    expect(imagesEnd()).toBe(LARGER - MIB);
    expect(await systemDigest(stick)).toBe(systemBefore);
  });

  it('leaves BTY_IMAGES with a file on a still larger stick as it is, says how to enlarge it, and flashes from it', async () => {
    truncateSync(stick, LARGEST);
    putImages(stick, compressedImage(inject('demoImage'), lab.workDir));
    const disk = dirtyDisk(join(lab.workDir, 'disk.raw'), 600 * MIB);
    const before = dirtyDisk(join(lab.workDir, 'before.raw'), 600 * MIB);
    const machine = await start({ file: disk, serial: SERIAL });
    await machine.shows(/BTY_IMAGES could be 1\.0 GB larger; press q to read how\./, 60_000);
    await flashByHand(machine, { image: 'image.img.zst', disk: '/dev/vda', serial: SERIAL, below: 1 });
    const expected = expectedDisk(before, inject('demoImage'), join(lab.workDir, 'expected.raw'));
    expect(differences(disk, expected)).toBe('');
    await leaveForShell(machine);
    await machine.shows(/copy your files elsewhere, delete them from the stick/, 60_000);
    expect(await room(machine)).toBeLessThan(LARGER - 2900 * MIB);

    // SSH, as authorized_keys was put there
    await atShell(machine, 'timeout 60 sh -c "until systemctl -q is-active ssh; do sleep 1; done"', 90_000);
    const ssh = 'ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR';
    expect(
      await atShell(machine, `install -m 600 ${IMAGES}/key /root/key; ${ssh} -i /root/key localhost hostname`),
    ).toBe('bty');
    expect(await atShell(machine, `! ${ssh} localhost hostname`)).toMatch(/Permission denied \(publickey\)/);
    await machine.powerOff();
    expect(imagesEnd()).toBe(LARGER - MIB);
    expect(await systemDigest(stick)).toBe(systemBefore);
    onImages(stick, (folder) => expect(run('ls', folder)).toBe('authorized_keys\nimage.img.zst\nkey\n'));

    const flashed = powerOn({ file: disk, serial: SERIAL });
    await flashed.reachesLogin();
    await flashed.powerOff();
  });

  it('comes up as soon without BTY_IMAGES, and ends what made it go: a grow that was cut short', async () => {
    run('sfdisk', '-q', '--no-reread', '--no-tell-kernel', '--part-label', stick, '4', 'BTY_GROWING');
    const start4 = partitionsOf(stick).at(-1)?.startBytes ?? 0;
    run('dd', 'if=/dev/zero', `of=${stick}`, 'bs=1M', 'count=1', `seek=${start4 / MIB}`, 'conv=notrunc', 'status=none');
    const machine = await start();
    await leaveForShell(machine);
    expect(Number(await atShell(machine, IDLE_SECONDS))).toBeLessThan(LONGEST_WAIT_S);
    await atShell(machine, `timeout 60 sh -c "until findmnt ${IMAGES}; do sleep 1; done"`, 90_000);
    expect(await room(machine)).toBeGreaterThan(LARGEST - 3100 * MIB);
    await machine.powerOff();
    expect(imagesEnd()).toBe(LARGEST - MIB);
  });
});
