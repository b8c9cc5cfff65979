import { FACT_SECTIONS } from './facts.js';

/** What changes on every system by itself, or whenever somebody looks at it. */
export const VOLATILE = [
  'etc:/etc/*-',
  'etc:/etc/.pwd.lock',
  'etc:/etc/.updated',
  'etc:/etc/adjtime',
  'etc:/etc/blkid.tab*',
  'etc:/etc/cups/printers.conf*',
  'etc:/etc/cups/subscriptions.conf*',
  'etc:/etc/fake-hwclock.data',
  'etc:/etc/ld.so.cache',
  'etc:/etc/lvm/archive/*',
  'etc:/etc/lvm/backup/*',
  'etc:/etc/lvm/cache/*',
  'etc:/etc/lvm/devices/*',
  'etc:/etc/mtab',
  'etc:/etc/network/run/*',
  'etc:/etc/resolv.conf',
  'etc:/etc/udev/hwdb.bin',
  'mounts:/run/*',
  'mounts:/snap/*',
  'block_devices:loop*',
  'block_devices:zram*',
] as const;

/** A pattern of `drift_ignore`: `*` stands for any characters, slashes included; everything else for itself. */
function globToRegExp(glob: string): RegExp {
  const parts = glob.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}

/** Whether patterns leave out a name of a section. A pattern without the name of a section counts in all of them. */
export function ignoring(patterns: readonly string[]): (section: string, name: string) => boolean {
  const rules = patterns.map((pattern) => {
    const [, section, glob] = /^([a-z_]+):(.*)$/s.exec(pattern) ?? [];
    const known = (FACT_SECTIONS as readonly string[]).includes(section ?? '');
    return { section: known ? section : undefined, match: globToRegExp(known ? (glob ?? '') : pattern) };
  });
  return (section, name) =>
    rules.some((rule) => (rule.section === undefined || rule.section === section) && rule.match.test(name));
}
