import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlockTarget } from '../src/engine/block-target.js';
import type { FlashedDisk } from '../src/provision/provision.js';
import { listDisks } from '../src/target/list-disks.js';
import { MACHINE_ROOTS } from '../src/target/machine-roots.js';
import { openTarget } from '../src/target/open-target.js';
import { findMemberships } from '../src/target/signatures.js';

const MIB = 1024 * 1024;

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
}

/** Files of an image by their paths; a text that begins with `-> ` is a link, `/` at the end of a path makes a folder. */
export type Tree = Readonly<Record<string, string>>;

/** A Debian as far as provisioning looks at it. */
export const SYSTEM: Tree = {
  'usr/lib/os-release': 'ID=debian\n',
  'etc/os-release': '-> ../usr/lib/os-release',
  'etc/fstab': 'LABEL=root / auto defaults 0 0\n',
  'etc/cloud/cloud.cfg': '# cloud-init\n',
  'var/lib/': '',
};

export function plant(folder: string, tree: Tree): void {
  for (const [path, content] of Object.entries(tree)) {
    const place = join(folder, path);
    mkdirSync(path.endsWith('/') ? place : join(place, '..'), { recursive: true });
    if (path.endsWith('/')) continue;
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), place);
    else writeFileSync(place, content);
  }
}

/** Where a partition lies, in MiB. */
export interface Place {
  startMiB: number;
  sizeMiB: number;
}

/** A flashed disk whose first MiB is not there yet: a loop device over a sparse file, claimed as a flash claims it. */
export class SystemDisk {
  readonly folder = mkdtempSync(join(tmpdir(), 'bty-system-'));
  path = '';
  #target: BlockTarget | undefined;
  #head = Buffer.alloc(0);

  /** `table` is a script for sfdisk. */
  constructor(
    readonly sizeMiB: number,
    table: string | undefined,
  ) {
    writeFileSync(this.file, '');
    truncateSync(this.file, sizeMiB * MIB);
    if (table !== undefined)
      execFileSync('sfdisk', ['--quiet', this.file], { input: table, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  get file(): string {
    return join(this.folder, 'disk');
  }

  /** Makes a file system on a part of the disk, with `mkfs` and its arguments. */
  format(place: Place, program: string, ...args: string[]): void {
    const loop = run('losetup', '--find', '--show', ...this.#range(place), this.file).trim();
    try {
      run(program, ...args, loop);
    } finally {
      run('losetup', '--detach', loop);
    }
  }

  /** Mounts a part of the disk and lets `work` do with it what it likes. */
  inside<T>(place: Place, options: string, work: (folder: string) => T): T {
    const point = mkdtempSync(join(this.folder, 'mnt-'));
    const [, offset, , limit] = this.#range(place);
    const loop = `loop,offset=${offset},sizelimit=${limit}`;
    run('mount', '-o', options === '' ? loop : `${loop},${options}`, this.path === '' ? this.file : this.path, point);
    try {
      return work(point);
    } finally {
      run('umount', point);
      rmSync(point, { recursive: true });
    }
  }

  /** Takes the first MiB off the disk and claims it, as the engine has it when provisioning begins. */
  async flashed(): Promise<FlashedDisk> {
    this.path = run('losetup', '--find', '--show', this.file).trim();
    const [found] = await listDisks(MACHINE_ROOTS, findMemberships, [this.path]);
    if (found === undefined) throw new Error('no disk');
    const target = await openTarget(MACHINE_ROOTS, found);
    this.#target = target;
    this.#head = Buffer.alloc(MIB);
    await target.read(this.#head, 0);
    await target.zero({ offsetBytes: 0, lengthBytes: MIB });
    await target.flush();
    return {
      path: this.path,
      sizeBytes: target.sizeBytes,
      sectorBytes: found.logical_sector_bytes,
      head: this.#head,
      read: (into, offset) => target.read(into, offset),
    };
  }

  async remove(): Promise<void> {
    await this.#target?.close();
    if (this.path !== '') run('losetup', '--detach', this.path);
    rmSync(this.folder, { recursive: true });
  }

  #range({ startMiB, sizeMiB }: Place): string[] {
    return ['--offset', String(startMiB * MIB), '--sizelimit', String(sizeMiB * MIB)];
  }
}

/** What of a disk is mounted below a folder, or shown by a loop device, besides the device itself. */
export function leftOf(disk: SystemDisk, workDir: string): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const backed = readdirSync('/sys/block')
    .filter((name) => name.startsWith('loop'))
    .flatMap((name) => {
      try {
        return [`${name} over ${readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8').trim()}`];
      } catch {
        return []; // not in use
      }
    });
  return [
    ...mounts.filter((line) => line.includes(`${workDir}/provision-`)),
    ...backed.filter((line) => line.endsWith(disk.path)),
  ];
}
