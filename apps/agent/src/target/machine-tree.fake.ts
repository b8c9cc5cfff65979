import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { MachineRoots } from './machine-roots.js';

/** Files in place of sysfs, procfs, /dev and /run: a machine that a test puts together. */
export class MachineTree {
  readonly roots: MachineRoots;

  private constructor(readonly folder: string) {
    this.roots = {
      sys: join(folder, 'sys'),
      proc: join(folder, 'proc'),
      dev: join(folder, 'dev'),
      run: join(folder, 'run'),
    };
  }

  static async make(): Promise<MachineTree> {
    const tree = new MachineTree(await mkdtemp(join(tmpdir(), 'bty-machine-')));
    await mkdir(join(tree.roots.sys, 'block'), { recursive: true });
    await mkdir(join(tree.roots.sys, 'class/net'), { recursive: true });
    await tree.files({
      'proc/self/mountinfo': '',
      'proc/swaps': 'Filename Type Size Used Priority\n',
      'proc/cmdline': 'quiet\n',
      'proc/meminfo': 'MemTotal:        1024 kB\n',
    });
    return tree;
  }

  async files(contents: Record<string, string | Buffer>): Promise<void> {
    for (const [path, content] of Object.entries(contents)) {
      await mkdir(dirname(join(this.folder, path)), { recursive: true });
      await writeFile(join(this.folder, path), content);
    }
  }

  async link(path: string, target: string): Promise<void> {
    const from = join(this.folder, path);
    await mkdir(dirname(from), { recursive: true });
    await symlink(relative(dirname(from), join(this.folder, target)), from);
  }

  /** A disk that hangs at `devicePath` (below sys/devices, ending in `/block/NAME`); attributes below its folder. */
  async disk(devicePath: string, attributes: Record<string, string | Buffer>): Promise<void> {
    const name = devicePath.slice(devicePath.lastIndexOf('/') + 1);
    const base = `sys/devices/${devicePath}`;
    const defaults = { size: '2048\n', dev: '8:0\n', ro: '0\n', removable: '0\n', 'device/x': '' };
    for (const [attribute, content] of Object.entries({ ...defaults, ...attributes })) {
      await this.files({ [`${base}/${attribute}`]: content });
    }
    await this.link(`sys/block/${name}`, base);
    await this.files({ [`dev/${name}`]: '' });
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true });
  }
}
