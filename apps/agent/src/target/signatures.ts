import { runCommand } from '../run-command.js';

/** One signature as `wipefs` lists it. */
interface Signature {
  device: string;
  type: string;
  usage: string | null;
}

const TIMEOUT_MS = 30_000;
// Parts of something that spans disks, whatever libblkid files them under.
const MEMBERS =
  /^(zfs_member|bcache|ceph_bluestore|oracleasm|stratis|mpool|VMFS.*|gfs2?|ocfs2?|drbd.*|.*_raid_member|LVM.*)$/;

/** What the signatures on a disk say: what it is a member of, or that they could not be read. */
export interface Memberships {
  readonly members: string[];
  readonly problem?: string;
}

/**
 * What `wipefs --json` says of members of LVM, RAID, ZFS and cluster storage, `LVM2_member on /dev/sda1` each. `wipefs`
 * and not `blkid`, which stays silent when it finds two signatures.
 */
export function memberships(json: string): string[] {
  if (json.trim() === '') return [];
  const { signatures } = JSON.parse(json) as { signatures: Signature[] };
  const found = signatures
    .filter(({ type, usage }) => usage === 'raid' || MEMBERS.test(type))
    .map(({ device, type }) => `${type} on /dev/${device}`);
  return [...new Set(found)];
}

/** Looks for such signatures on a disk and its partitions. */
export async function findMemberships(paths: readonly string[]): Promise<Memberships> {
  try {
    const args = ['--no-act', '--json', '--output', 'DEVICE,TYPE,USAGE', ...paths];
    const { exitCode, stdout, stderr } = await runCommand('wipefs', args, TIMEOUT_MS);
    return exitCode === 0 ? { members: memberships(stdout) } : { members: [], problem: stderr.trim() };
  } catch (error) {
    return { members: [], problem: (error as Error).message };
  }
}
