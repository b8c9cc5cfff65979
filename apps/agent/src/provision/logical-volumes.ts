import { open } from 'node:fs/promises';
import { BtyError } from '@bty/wire-types';
import { must, type RunCommand } from './mount-volume.js';

/** An active logical volume. */
export interface LogicalVolume {
  /** `group/volume` */
  name: string;
  node: string;
}

// No backups of metadata into the live env, no daemons, and nodes by LVM itself: udev may not be there to make them.
export const LVM_CONFIG =
  'activation{udev_sync=0 udev_rules=0 monitoring=0} backup{backup=0 archive=0} global{use_lvmpolld=0} devices{scan_lvs=0}';

type Row = Readonly<Record<string, string>>;

/** LVM that sees nothing but the given devices: the groups of other disks, copies of these among them, do not exist. */
class NarrowLvm {
  constructor(
    private readonly loops: readonly string[],
    private readonly run: RunCommand,
  ) {}

  do(command: string, ...args: string[]): Promise<string> {
    return must(this.run, 'lvm', [command, '--config', LVM_CONFIG, '--devices', this.loops.join(','), ...args]);
  }

  async list(command: 'pvs' | 'lvs', columns: string, ...args: string[]): Promise<Row[]> {
    const text = await this.do(command, '--reportformat', 'json', '-o', columns, ...args);
    const { report } = JSON.parse(text) as { report: Record<string, Row[]>[] };
    return report.flatMap((part) => Object.values(part).flat());
  }
}

/** The beginning of an active volume. */
export async function readNode(path: string, lengthBytes: number): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(lengthBytes);
    const { bytesRead } = await handle.read(bytes, 0, lengthBytes, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function activeGroups(lvm: NarrowLvm): Promise<string[]> {
  const rows = await lvm.list('pvs', 'vg_name');
  const groups = [...new Set(rows.map((row) => row['vg_name'] ?? '').filter((name) => name !== ''))];
  for (const group of groups) {
    const volumes = await lvm.list('lvs', 'lv_active', group);
    if (volumes.some((row) => row['lv_active'] === 'active')) {
      throw new BtyError('PROVISIONING_FAILED', `a volume group ${group} is active on this machine already`);
    }
  }
  return groups;
}

async function detach(loops: readonly string[], run: RunCommand): Promise<void> {
  for (const loop of loops) await must(run, 'losetup', ['--detach', loop]);
}

/**
 * Activates the volume groups on these parts of a disk, and no other, while `work` runs. Throws what `work` throws, and
 * when something stays active.
 */
export async function whileActive<T>(
  diskPath: string,
  members: readonly { offsetBytes: number; lengthBytes: number }[],
  run: RunCommand,
  work: (volumes: LogicalVolume[]) => Promise<T>,
): Promise<T> {
  if (members.length === 0) return work([]);
  const loops: string[] = [];
  const lvm = new NarrowLvm(loops, run);
  const activated: string[] = [];
  const release = async (): Promise<void> => {
    for (const group of activated.splice(0)) await lvm.do('vgchange', '--activate', 'n', group);
    await detach(loops.splice(0), run);
  };
  try {
    for (const { offsetBytes, lengthBytes } of members) {
      const place = ['--offset', String(offsetBytes), '--sizelimit', String(lengthBytes)];
      loops.push((await must(run, 'losetup', ['--find', '--show', ...place, diskPath])).trim());
    }
    const volumes: LogicalVolume[] = [];
    for (const group of await activeGroups(lvm)) {
      activated.push(group);
      await lvm.do('vgchange', '--activate', 'y', group);
      for (const row of await lvm.list('lvs', 'lv_name,lv_path', group)) {
        const node = row['lv_path'] ?? '';
        if (node !== '') volumes.push({ name: `${group}/${row['lv_name']}`, node });
      }
    }
    const result = await work(volumes);
    await release();
    return result;
  } catch (error) {
    // The first failure is the one to tell.
    await release().catch(() => undefined);
    throw error;
  }
}
