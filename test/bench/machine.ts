import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

function commit(): string {
  const { stdout } = spawnSync('git', ['-C', import.meta.dirname, 'describe', '--always', '--dirty'], {
    encoding: 'utf8',
  });
  return stdout.trim() || 'unknown';
}

/** Where and on what the figures were measured. A load above zero before the first run means: do not trust them. */
export function describeMachine(): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const cpu = `${availableParallelism()} cores ${cpus()[0]?.model.trim()}`;
  const load = `load ${loadavg()[0]?.toFixed(1)} before the first run`;
  return `commit ${commit()}, ${cpu}, ${memory}, Linux ${release()}, ${load}`;
}
