import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { atShell, flashByHand, leaveForShell } from '../lab/console-hand.ts';
import { Lab } from '../lab/lab.ts';
import type { Machine } from '../lab/machine.ts';
import { run } from '../lab/process.ts';
import { checkImages, onImages, partitionsOf, putImages, systemDigest } from '../lab/stick.ts';
import { differences, dirtyDisk, expectedDisk, partitionTableProblems } from './disks.ts';
import { compressedImage } from './images.ts';
import { buildStick, JSON_LINE } from './stick-steps.ts';

const MIB = 2 ** 20;
const SERIAL = 'INTERNAL-0815';
const NOTE = 'left here by a person';

describe('a USB stick in a UEFI machine with Secure Boot and no network', () => {
  let lab: Lab;
  let stick: string;
  let disk: string;
  let systemBefore: string;

  const machine = (name: string, mac: string, disks: { file: string; serial?: string; stick?: boolean }[]): Machine =>
    lab.addMachine({ name, mac, firmware: 'uefi', secureBoot: true, networkFirst: false, disks });

  beforeAll(async () => {
    lab = new Lab({ name: `bty-usb-${process.pid}`, bootDir: inject('bootDir') });
    stick = buildStick(join(lab.workDir, 'stick.img'), '--size', '4G', '--no-zst');
    disk = dirtyDisk(join(lab.workDir, 'disk.raw'), 600 * MIB);
    putImages(stick, compressedImage(inject('demoImage'), lab.workDir));
    systemBefore = await systemDigest(stick);
  }, 600_000);

  afterAll(async () => lab?.stop());

  it('is laid out as it is described, with a digest', () => {
    expect(partitionTableProblems(stick)).toBe('');
    expect(partitionsOf(stick).map(({ name, type }) => [name, type])).toEqual([
      ['BIOS boot', '21686148-6449-6E6F-744E-656564454649'],
      ['ESP', 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'],
      ['BTY_ROOT', '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709'],
      ['BTY_IMAGES', 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7'],
    ]);
    expect(readFileSync(`${stick}.sha256`, 'utf8')).toMatch(/^[0-9a-f]{64} {2}stick\.img\n$/);
  });

  it('flashes the internal disk from an image that somebody dropped into BTY_IMAGES', async () => {
    const before = dirtyDisk(join(lab.workDir, 'before.raw'), 600 * MIB);
    const live = machine('live', '52:54:00:b7:15:01', [
      { file: stick, stick: true, serial: 'STICK-0001' },
      { file: disk, serial: SERIAL },
    ]);
    live.powerOn();
    await flashByHand(live, { image: 'image.img.zst', disk: '/dev/vda', serial: SERIAL, below: 1 });
    const expected = expectedDisk(before, inject('demoImage'), join(lab.workDir, 'expected.raw'));
    expect(differences(disk, expected)).toBe('');

    await leaveForShell(live);
    expect(await atShell(live, 'od -An -t u1 -j 4 /sys/firmware/efi/efivars/SecureBoot-*')).toBe('1');
    expect(
      await atShell(
        live,
        'systemctl is-enabled ssh.service; systemctl is-active ssh.service; ls /etc/ssh/ssh_host_* 2>&1; true',
      ),
    ).toMatch(/^disabled\ninactive\nls: cannot access/);
    expect(await atShell(live, 'systemctl --failed --plain --no-legend')).toBe('');
    expect(await atShell(live, 'command -v cijoe sfdisk lvm btrfs mdadm xfs_growfs | wc -l; cijoe --version')).toMatch(
      /^6\n/,
    );
    await atShell(live, `echo marked >/etc/marked; echo ${NOTE} >/var/lib/bty/images/note.txt; sync`);
    await live.powerOff();
    expect(await systemDigest(stick)).toBe(systemBefore);
  });

  it('has made the internal disk one that boots without it', async () => {
    // the demo image is nobody's who could sign it
    const flashed = lab.addMachine({
      ...{ name: 'flashed', mac: '52:54:00:b7:15:02', firmware: 'uefi', networkFirst: false },
      disks: [{ file: disk, serial: SERIAL }],
    });
    flashed.powerOn();
    await flashed.reachesLogin();
    await flashed.powerOff();
  });

  it('has forgotten a file in /etc after a reboot, kept one in BTY_IMAGES, and offers no disk but says why', async () => {
    const alone = machine('alone', '52:54:00:b7:15:03', [{ file: stick, stick: true, serial: 'STICK-0001' }]);
    alone.powerOn();
    await alone.shows(/> image\.img\.zst /, 240_000);
    alone.type('\r');
    await alone.shows(
      /\(not a target\)[\s\S]*Not a target: in use: \/dev\/sda3 is mounted on \/media\/root-ro/,
      60_000,
    );
    alone.type('\r');
    await alone.shows(/It cannot be written: in use/, 60_000);
    await leaveForShell(alone);
    expect(await atShell(alone, 'ls /etc/marked 2>&1; cat /var/lib/bty/images/note.txt')).toMatch(
      new RegExp(`No such file[^\n]*\n${NOTE}$`),
    );
    for (const target of ['/dev/sda', 'min-size=1M,allow-removable']) {
      const refused = await atShell(
        alone,
        `bty flash --image image.img.zst --target ${target} --yes --json; echo "exit $?"`,
      );
      expect(refused).toMatch(/exit 1$/);
      const document = JSON.parse(JSON_LINE.exec(refused)?.[0] ?? '{}') as { error?: { message: string } };
      expect(document.error?.message).toMatch(
        /sda3 is mounted on \/media\/root-ro; .*sda4 is mounted on \/var\/lib\/bty\/images/,
      );
    }
    await alone.powerOff();
    expect(await systemDigest(stick)).toBe(systemBefore);
    checkImages(stick);
    onImages(stick, (folder) => {
      expect(run('ls', folder).split('\n').filter(Boolean)).toEqual(['image.img.zst', 'note.txt']);
    });
  });
});
