import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BtyError, type NoCloudSeed } from '@bty/wire-types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearLeftovers } from '../src/provision/leftovers.js';
import { type ProvisionPorts, provision, refuseUnprovisionable } from '../src/provision/provision.js';
import { seedFileMap, seedWork } from '../src/provision/seed-work.js';
import { runCommand } from '../src/run-command.js';
import { failure } from './failure.js';
import { leftOf, type Place, plant, SYSTEM, SystemDisk, type Tree } from './system-disk.js';

const SEED: NoCloudSeed = {
  instance_id: 'bty-1',
  meta_data: 'instance-id: bty-1\nlocal-hostname: node-1\n',
  user_data: '#cloud-config\r\n# ä 馬\n\n\tno newline at the end',
  network_config: 'version: 2\n',
  vendor_data: '#!/bin/sh\n',
};
const ROOT: Place = { startMiB: 9, sizeMiB: 54 };
const MBR = 'label: dos\nstart=1MiB, size=8MiB, type=c\nstart=9MiB, size=54MiB, type=83\n';
const GPT = 'label: gpt\nstart=1MiB, size=8MiB, type=U\nstart=9MiB, size=54MiB\n';
const never = new AbortController().signal;

const disks: SystemDisk[] = [];
let workDir: string;
let outside: string;

beforeEach(() => {
  workDir = mkdtempSync(join(tmpdir(), 'bty-work-'));
  outside = mkdtempSync(join(tmpdir(), 'bty-outside-'));
});

afterEach(async () => {
  for (const disk of disks.splice(0)) {
    const left = disk.path === '' ? [] : leftOf(disk, workDir);
    await disk.remove();
    expect(left).toEqual([]);
  }
  expect(readdirSync(workDir)).toEqual([]);
  rmSync(workDir, { recursive: true });
  rmSync(outside, { recursive: true });
});

function newDisk(sizeMiB: number, table: string | undefined): SystemDisk {
  const disk = new SystemDisk(sizeMiB, table);
  disks.push(disk);
  return disk;
}

function ext4Disk(tree: Tree, table = GPT): SystemDisk {
  const disk = newDisk(64, table);
  disk.format(ROOT, 'mke2fs', '-q', '-t', 'ext4', '-L', 'root');
  disk.inside(ROOT, '', (folder) => plant(folder, tree));
  return disk;
}

async function write(
  disk: SystemDisk,
  more: Partial<ProvisionPorts> = {},
  signal = never,
  seed = SEED,
): Promise<string[]> {
  const flashed = await disk.flashed();
  const lines: string[] = [];
  const ports = { run: runCommand, workDir, log: (line: string) => lines.push(line), ...more };
  refuseUnprovisionable(flashed.head, flashed.sectorBytes);
  await provision(seedWork({ seed, verify: 'full' }), flashed, ports, signal);
  return lines;
}

function seedIn(folder: string): Record<string, string> {
  const place = join(folder, 'var/lib/cloud/seed/nocloud-net');
  return Object.fromEntries(readdirSync(place).map((name) => [name, readFileSync(join(place, name)).toString('utf8')]));
}

const WRITTEN = Object.fromEntries([...seedFileMap(SEED)].map(([name, bytes]) => [name, bytes.toString('utf8')]));

describe('a seed is written byte for byte, and nothing stays mounted,', () => {
  it.each([
    ['an MBR', MBR],
    ['a GPT', GPT],
  ])('into ext4 on a disk with %s', async (_name, table) => {
    const disk = ext4Disk(SYSTEM, table);
    await write(disk);
    disk.inside(ROOT, 'ro', (folder) => {
      expect(seedIn(folder)).toEqual(WRITTEN);
      const place = join(folder, 'var/lib/cloud/seed/nocloud-net');
      expect(lstatSync(place)).toMatchObject({ uid: 0, gid: 0, mode: 0o40755 });
      for (const name of readdirSync(place)) {
        expect(lstatSync(join(place, name))).toMatchObject({ uid: 0, gid: 0, mode: 0o100600 });
      }
    });
    expect(
      execFileSync('e2fsck', ['-fn', `${disk.file}?offset=${ROOT.startMiB << 20}`], { stdio: 'pipe' }).length,
    ).toBeGreaterThan(0);
  });

  it('into ext4 on a logical partition', async () => {
    const table =
      'label: dos\nstart=1MiB, size=4MiB, type=83\nstart=5MiB, size=59MiB, type=5\nstart=6MiB, size=2MiB, type=83\nstart=9MiB, size=54MiB, type=83\n';
    const disk = ext4Disk(SYSTEM, table);
    await write(disk);
    disk.inside(ROOT, 'ro', (folder) => expect(seedIn(folder)).toEqual(WRITTEN));
  });

  it('into XFS', async () => {
    const place = { startMiB: 1, sizeMiB: 320 };
    const disk = newDisk(322, 'label: gpt\nstart=1MiB, size=320MiB\n');
    disk.format(place, 'mkfs.xfs', '-q');
    disk.inside(place, '', (folder) => plant(folder, SYSTEM));
    await write(disk);
    disk.inside(place, 'ro', (folder) => expect(seedIn(folder)).toEqual(WRITTEN));
  });

  it('into the file system whose journal has not been replayed yet', async () => {
    const disk = ext4Disk(SYSTEM);
    // Mounted, written and then copied: what an image of a running machine looks like.
    disk.inside(ROOT, '', (folder) => {
      writeFileSync(join(folder, 'etc/late'), 'late');
      execFileSync('sync', ['-f', folder]);
      execFileSync('cp', ['--sparse=always', disk.file, `${disk.file}.copy`]);
    });
    execFileSync('mv', [`${disk.file}.copy`, disk.file]);
    await write(disk);
    disk.inside(ROOT, 'ro', (folder) => {
      expect(seedIn(folder)).toEqual(WRITTEN);
      expect(readFileSync(join(folder, 'etc/late'), 'utf8')).toBe('late');
    });
  });

  it('in at most 2 s', async () => {
    const disk = ext4Disk(SYSTEM);
    const flashed = await disk.flashed();
    const began = performance.now();
    await provision(
      seedWork({ seed: SEED, verify: 'full' }),
      flashed,
      { run: runCommand, workDir, log: () => undefined },
      never,
    );
    const tookMs = performance.now() - began;
    console.log(`seed written and checked in ${Math.round(tookMs)} ms`);
    expect(tookMs).toBeLessThan(2000);
  });
});

describe('a btrfs', () => {
  const place = { startMiB: 1, sizeMiB: 200 };

  function btrfsDisk(fill: (top: string) => void): SystemDisk {
    const disk = newDisk(202, 'label: gpt\nstart=1MiB, size=200MiB\n');
    disk.format(place, 'mkfs.btrfs', '-q');
    disk.inside(place, '', fill);
    return disk;
  }

  function subvolume(top: string, path: string, tree: Tree): void {
    execFileSync('btrfs', ['subvolume', 'create', join(top, path)], { stdio: 'pipe' });
    plant(join(top, path), tree);
  }

  it('has its root in subvolume @, which has snapshots', async () => {
    const fstab = 'UUID=x / btrfs subvol=@,compress=zstd 0 0\nUUID=x /home btrfs subvol=/@home 0 0\n';
    const disk = btrfsDisk((top) => {
      subvolume(top, '@', { ...SYSTEM, 'etc/fstab': fstab });
      subvolume(top, '@home', { 'a/': '' });
      execFileSync('btrfs', ['subvolume', 'snapshot', join(top, '@'), join(top, 'before')], { stdio: 'pipe' });
    });
    await write(disk);
    disk.inside(place, 'ro,subvolid=5', (top) => {
      expect(seedIn(join(top, '@'))).toEqual(WRITTEN);
      expect(existsSync(join(top, 'before/var/lib/cloud'))).toBe(false);
    });
  });

  it('has its root in the default subvolume', async () => {
    const disk = btrfsDisk((top) => {
      subvolume(top, 'one', SYSTEM);
      subvolume(top, 'two', SYSTEM);
      execFileSync('btrfs', ['subvolume', 'set-default', join(top, 'two')], { stdio: 'pipe' });
    });
    await write(disk);
    disk.inside(place, 'ro', (folder) => expect(seedIn(folder)).toEqual(WRITTEN));
  });

  it('has /var in a subvolume of its own', async () => {
    const disk = btrfsDisk((top) => {
      const uuid = execFileSync('findmnt', ['-no', 'UUID', top]).toString().trim();
      const fstab = `UUID=${uuid} / btrfs subvol=root 0 0\nUUID=${uuid} /var btrfs subvol=var 0 0\n`;
      subvolume(top, 'root', { ...SYSTEM, 'etc/fstab': fstab });
      subvolume(top, 'var', { 'lib/': '' });
    });
    await write(disk);
    disk.inside(place, 'ro,subvolid=5', (top) => {
      mkdirSync(join(outside, 'x'));
      execFileSync('cp', ['-r', join(top, 'var'), join(outside, 'x/var')]);
      expect(seedIn(join(outside, 'x'))).toEqual(WRITTEN);
      expect(existsSync(join(top, 'root/var/lib/cloud'))).toBe(false);
    });
  });

  it('is flashed again, and has an older generation then', async () => {
    const disk = btrfsDisk((top) => subvolume(top, '@', { ...SYSTEM, 'etc/fstab': '/dev/x / btrfs subvol=@ 0 0\n' }));
    const again = newDisk(202, undefined);
    execFileSync('cp', ['--sparse=always', disk.file, again.file]);
    await write(disk);
    await write(again);
    again.inside(place, 'ro,subvol=@', (folder) => expect(seedIn(folder)).toEqual(WRITTEN));
  });
});

describe('/var in a file system of its own', () => {
  const VAR: Place = { startMiB: 1, sizeMiB: 8 };

  it.each(['LABEL=var', '/dev/sda1', '/dev/disk/by-label/var'])(
    'gets the seed when the fstab says %s',
    async (spec) => {
      const disk = newDisk(64, GPT);
      disk.format(VAR, 'mke2fs', '-q', '-t', 'ext4', '-L', 'var');
      disk.format(ROOT, 'mke2fs', '-q', '-t', 'ext4', '-L', 'root');
      disk.inside(ROOT, '', (folder) =>
        plant(folder, { ...SYSTEM, 'etc/fstab': `LABEL=root / ext4 defaults 0 1\n${spec} /var ext4 defaults 0 2\n` }),
      );
      await write(disk);
      disk.inside(VAR, 'ro', (folder) => {
        expect(existsSync(join(folder, 'lib/cloud/seed/nocloud-net/user-data'))).toBe(true);
      });
      disk.inside(ROOT, 'ro', (folder) => expect(existsSync(join(folder, 'var/lib/cloud'))).toBe(false));
    },
  );

  it.each(['UUID=0000-0000', 'tmpfs', '/dev/mapper/vg-var', 'server:/var'])(
    'fails the job when %s is not on the disk',
    async (spec) => {
      const disk = ext4Disk({ ...SYSTEM, 'etc/fstab': `${spec} /var auto defaults 0 0\n` });
      const error = await failure(write(disk));
      expect([error.code, error.message]).toEqual([
        'ROOT_NOT_FOUND',
        expect.stringContaining(`mounts ${spec} on /var`),
      ]);
    },
  );
});

describe('a seed that the image brought', () => {
  it('is replaced, and does not mix with ours', async () => {
    const disk = ext4Disk({
      ...SYSTEM,
      'var/lib/cloud/seed/nocloud/meta-data': 'instance-id: theirs\n',
      'var/lib/cloud/seed/nocloud/user-data': '#cloud-config\n',
      'var/lib/cloud/seed/nocloud-net/user-data': 'theirs',
      'var/lib/cloud/seed/nocloud-net/network-config': 'theirs',
      'var/lib/cloud/seed/nocloud-net/vendor-data': '-> /etc/passwd',
    });
    const { instance_id, meta_data, user_data } = SEED;
    await write(disk, {}, never, { instance_id, meta_data, user_data });
    disk.inside(ROOT, 'ro', (folder) => {
      expect(seedIn(folder)).toEqual({ 'meta-data': meta_data, 'user-data': user_data });
      expect(readdirSync(join(folder, 'var/lib/cloud/seed/nocloud'))).toEqual([]);
    });
  });
});

describe('a link in the image', () => {
  const kept = (): string[] => readdirSync(outside);

  it.each<[string, (target: string) => Tree]>([
    ['/var/lib/cloud, absolute', (target) => ({ 'var/lib/cloud': `-> ${target}` })],
    ['/var/lib/cloud, by many dots', (target) => ({ 'var/lib/cloud': `-> ${'../'.repeat(20)}${target}` })],
    ['/var', (target) => ({ var: `-> ${target}` })],
    ['the folder of seeds', (target) => ({ 'var/lib/cloud/seed': `-> ${target}` })],
    ['our folder of seeds', (target) => ({ 'var/lib/cloud/seed/nocloud-net': `-> ${target}` })],
    ['user-data itself', (target) => ({ 'var/lib/cloud/seed/nocloud-net/user-data': `-> ${target}/user-data` })],
    ['the folder of seeds by way of /proc', (target) => ({ 'var/lib/cloud': `-> /proc/self/root${target}` })],
  ])('at %s leads nowhere outside', async (_name, links) => {
    writeFileSync(join(outside, 'user-data'), 'untouched');
    const { 'var/lib/': _folder, ...system } = SYSTEM;
    const disk = ext4Disk({ ...system, ...links(outside) });
    await write(disk);
    expect(kept()).toEqual(['user-data']);
    expect(readFileSync(join(outside, 'user-data'), 'utf8')).toBe('untouched');
    disk.inside(ROOT, 'ro', (folder) => {
      const found = execFileSync('find', [folder, '-name', 'vendor-data', '-type', 'f']).toString().trim();
      expect(readFileSync(found, 'utf8')).toBe(SEED.vendor_data);
    });
  });

  it('at /etc is followed inside the image', async () => {
    const { 'etc/os-release': _a, 'etc/fstab': _b, 'etc/cloud/cloud.cfg': _c, ...rest } = SYSTEM;
    const inside = { 'conf/fstab': '', 'conf/cloud/cloud.cfg': '', 'conf/os-release': '' };
    const disk = ext4Disk({ ...rest, ...inside, etc: '-> /conf' });
    await write(disk);
    disk.inside(ROOT, 'ro', (folder) => expect(seedIn(folder)).toEqual(WRITTEN));
  });

  it('at /etc to outside shows no root: what is there belongs to another system', async () => {
    plant(outside, { 'os-release': '', fstab: '', 'cloud/cloud.cfg': '' });
    const { 'etc/os-release': _a, 'etc/fstab': _b, 'etc/cloud/cloud.cfg': _c, ...rest } = SYSTEM;
    const disk = ext4Disk({ ...rest, etc: `-> ${outside}` });
    expect((await failure(write(disk))).code).toBe('ROOT_NOT_FOUND');
  });

  it.each(['..', '/..', '.', '/', '../..'])('at /etc/fstab to %s is no file', async (target) => {
    const disk = ext4Disk({ ...SYSTEM, 'etc/fstab': `-> ${target}` });
    await write(disk);
    disk.inside(ROOT, 'ro', (folder) => expect(seedIn(folder)).toEqual(WRITTEN));
  });

  it('in a circle fails the job', async () => {
    const disk = ext4Disk({ ...SYSTEM, 'var/lib/cloud': '-> cloud2', 'var/lib/cloud2': '-> cloud' });
    const error = await failure(write(disk));
    expect([error.code, error.message]).toEqual(['ROOT_NOT_FOUND', expect.stringContaining('too many links')]);
  });

  it.each<[string, (folder: string) => void]>([
    ['a pipe', (folder) => execFileSync('mkfifo', [join(folder, 'etc/fstab')])],
    ['a device', (folder) => execFileSync('mknod', [join(folder, 'etc/fstab'), 'c', '1', '5'])],
  ])('or %s in the place of a file holds nobody up', async (_name, make) => {
    const { 'etc/fstab': _fstab, ...rest } = SYSTEM;
    const disk = ext4Disk(rest);
    disk.inside(ROOT, '', make);
    await write(disk);
    disk.inside(ROOT, 'ro', (folder) => expect(seedIn(folder)).toEqual(WRITTEN));
  });
});

describe('the job fails, and nothing stays mounted, when', () => {
  it('no volume has a root', async () => {
    const disk = ext4Disk({ 'home/user/': '' });
    const error = await failure(write(disk));
    expect(error).toMatchObject({
      code: 'ROOT_NOT_FOUND',
      message: expect.stringContaining('partition 2 (ext4): no root'),
    });
  });

  it('two volumes have one', async () => {
    const disk = ext4Disk(SYSTEM);
    const first = { startMiB: 1, sizeMiB: 8 };
    disk.format(first, 'mke2fs', '-q', '-t', 'ext4');
    disk.inside(first, '', (folder) => plant(folder, SYSTEM));
    expect((await failure(write(disk))).message).toContain('more than one root file system');
  });

  it('the system has no cloud-init', async () => {
    const { 'etc/cloud/cloud.cfg': _cfg, ...rest } = SYSTEM;
    expect((await failure(write(ext4Disk(rest)))).code).toBe('CLOUD_INIT_MISSING');
  });

  it('the file system is damaged', async () => {
    const disk = ext4Disk(SYSTEM);
    // All of the group descriptors and what follows, up to the root folder.
    execFileSync('dd', [
      'if=/dev/urandom',
      `of=${disk.file}`,
      'bs=1M',
      'seek=9',
      'count=20',
      'conv=notrunc',
      'status=none',
      'iflag=fullblock',
      'oflag=seek_bytes',
      `seek=${(9 << 20) + 4096}`,
    ]);
    const error = await failure(write(disk));
    expect(error).toMatchObject({ code: 'ROOT_NOT_FOUND', message: expect.stringContaining('mount:') });
  });

  it('the file system is full', async () => {
    const disk = ext4Disk(SYSTEM);
    disk.inside(ROOT, '', (folder) => {
      try {
        execFileSync('dd', ['if=/dev/zero', `of=${join(folder, 'full')}`, 'bs=64k'], { stdio: 'ignore' });
      } catch {
        // it ends when there is no room left
      }
    });
    const big = { ...SEED, user_data: 'x'.repeat(60_000) };
    const error = await failure(write(disk, {}, never, big));
    expect([error.code, error.message]).toEqual(['PROVISIONING_FAILED', expect.stringContaining('ENOSPC')]);
  });

  it('it is aborted between two steps', async () => {
    const disk = ext4Disk(SYSTEM);
    const abort = new AbortController();
    const reason = new BtyError('CANCELLED', 'enough');
    const run: ProvisionPorts['run'] = async (program, args, timeoutMs) => {
      const result = await runCommand(program, args, timeoutMs);
      if (program === 'mount') abort.abort(reason);
      return result;
    };
    expect(await failure(write(disk, { run }, abort.signal))).toBe(reason);
    disk.inside(ROOT, 'ro', (folder) => expect(existsSync(join(folder, 'var/lib/cloud'))).toBe(false));
  });

  it('a program is missing', async () => {
    const run: ProvisionPorts['run'] = (program, args, timeoutMs) =>
      runCommand(program === 'mount' ? 'no-such-program' : program, args, timeoutMs);
    expect((await failure(write(ext4Disk(SYSTEM), { run }))).message).toContain('no-such-program is not installed');
  });
});

describe('an image is refused before anything is written when', () => {
  it('it is a bare file system', async () => {
    const disk = newDisk(16, undefined);
    disk.format({ startMiB: 0, sizeMiB: 16 }, 'mke2fs', '-q', '-t', 'ext4');
    expect((await failure(write(disk))).message).toContain('a bare ext4 file system');
  });

  it('it has nothing that bty knows', async () => {
    expect((await failure(write(newDisk(16, undefined)))).message).toContain('no partition table that bty knows');
  });

  it('its only partition begins within the first MiB', async () => {
    const disk = newDisk(64, 'label: dos\nstart=63, size=60MiB, type=83\n');
    expect((await failure(write(disk))).message).toContain('begins within its first MiB');
  });
});

describe('an agent that starts after another was killed', () => {
  it('unmounts what that one left, and nothing else', async () => {
    const disk = ext4Disk(SYSTEM);
    await disk.flashed();
    const options = `loop,offset=${ROOT.startMiB << 20},sizelimit=${ROOT.sizeMiB << 20}`;
    const [left, other] = [join(workDir, 'provision-killed'), join(workDir, 'other')];
    for (const folder of [left, other]) {
      mkdirSync(folder);
      execFileSync('mount', ['-o', folder === left ? options : 'bind', folder === left ? disk.path : outside, folder]);
    }
    await clearLeftovers({ workDir, alone: false, run: runCommand, log: () => undefined });
    expect(leftOf(disk, workDir)).toEqual([]);
    expect(existsSync(left)).toBe(false);
    execFileSync('umount', [other]);
    rmSync(other, { recursive: true });
  });
});
