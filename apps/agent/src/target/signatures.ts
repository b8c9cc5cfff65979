import { runCommand } from '../run-command.js';

/** One signature as `wipefs` lists it. */
interface Signature {
  device: string;
  type: string;
  usage: string | null;
}

const TIMEOUT_MS = 30_000;
// Parts of something that spans disks, whatever libblkid files them under.
const MEMBERS = /^(zfs_member|bcache|ceph_bluestore|VMFS.*|gfs2?|ocfs2?|drbd|.*_raid_member|LVM.*)$/;

/**
 * What `wipefs --json` says of members of LVM, RAID, ZFS and cluster storage, one sentence each. `wipefs` and not
 * `blkid`, which stays silent when it finds two signatures.
 */
export function memberships(json: string): string[] {
  if (json.trim() === '') return [];
  const { signatures } = JSON.parse(json) as { signatures: Signature[] };
  const found = signatures
    .filter(({ type, usage }) => usage === 'raid' || MEMBERS.test(type))
    .map(({ device, type }) => `/dev/${device} carries the signature of ${type}`);
  return [...new Set(found)];
}

/** Looks for such signatures on a disk and its partitions. Not being able to look counts as a use. */
export async function findMemberships(paths: readonly string[]): Promise<string[]> {
  try {
    const args = ['--no-act', '--json', '--output', 'DEVICE,TYPE,USAGE', ...paths];
    const { exitCode, stdout, stderr } = await runCommand('wipefs', args, TIMEOUT_MS);
    if (exitCode !== 0) return [`its signatures cannot be read: ${stderr.trim()}`];
    return memberships(stdout);
  } catch (error) {
    return [`its signatures cannot be read: ${(error as Error).message}`];
  }
}
