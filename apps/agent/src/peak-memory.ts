import { readFileSync } from 'node:fs';

const KIB = 1024;

/**
 * Highest resident memory of this process so far, in bytes. Not `process.resourceUsage().maxRSS`, which starts from
 * what the parent process had.
 */
export function peakResidentBytes(): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? '0') * KIB;
}
