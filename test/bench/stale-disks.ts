import { existsSync } from 'node:fs';
import { run } from '../lab/process.ts';

const OF_A_BENCH = /^(\/dev\/loop\d+)\s.*\/bty-bench-(\d+)-/;

/** Detaches the disks of benches that were killed: each holds its memory until then. */
export function detachStaleDisks(): void {
  for (const line of run('losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE').split('\n')) {
    const [, device, pid] = OF_A_BENCH.exec(line) ?? [];
    if (device !== undefined && !existsSync(`/proc/${pid}`)) run('losetup', '--detach', device);
  }
}
