/** A disk of 200 MB/s: the kernel holds back what one control group reads from and writes to a block device. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const BYTES_PER_SECOND = 200_000_000;
const V1 = '/sys/fs/cgroup/blkio';
const V2 = '/sys/fs/cgroup';

export interface Throttle {
  /** Puts the words before a command that make the disk slow for it. */
  wrap(argv: readonly string[]): readonly string[];
  remove(): void;
}

function limit(group: string, device: string): void {
  const number = readFileSync(`/sys/class/block/${basename(device)}/dev`, 'utf8').trim();
  if (existsSync(join(group, 'blkio.throttle.read_bps_device'))) {
    for (const direction of ['read', 'write']) {
      writeFileSync(join(group, `blkio.throttle.${direction}_bps_device`), `${number} ${BYTES_PER_SECOND}`);
    }
  } else {
    writeFileSync(join(group, 'io.max'), `${number} rbps=${BYTES_PER_SECOND} wbps=${BYTES_PER_SECOND}`);
  }
}

/** Makes the device slow for the commands that are wrapped. Throws when the kernel has no control group for I/O. */
export function throttle(device: string): Throttle {
  const parent = existsSync(join(V1, 'blkio.throttle.read_bps_device')) ? V1 : V2;
  const group = join(parent, `bty-bench-${process.pid}`);
  mkdirSync(group);
  try {
    if (parent === V2) writeFileSync(join(V2, 'cgroup.subtree_control'), '+io');
    limit(group, device);
  } catch (error) {
    rmdirSync(group);
    throw new Error('this kernel cannot throttle a disk', { cause: error });
  }
  const join_ = 'echo $$ >"$0/cgroup.procs" && exec "$@"';
  return { wrap: (argv) => ['sh', '-c', join_, group, ...argv], remove: () => rmdirSync(group) };
}
