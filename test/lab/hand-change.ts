/** A machine that the lab's workflow has made ready, changed by somebody by hand: commands for its account. */
import type { Drift } from './api.ts';
import { SERVICE } from './lab-account.ts';

/** A file of a package, a service, and a file below /etc. */
export const CHANGE = `sudo sh -ec 'cp -p /usr/bin/hostname /root/kept; echo >>/usr/bin/hostname
systemctl --quiet disable ${SERVICE}
echo borrowed >/etc/lab/state'`;

export const UNDO = `sudo sh -ec 'cat /root/kept >/usr/bin/hostname; rm /root/kept
systemctl --quiet enable ${SERVICE}
echo ready >/etc/lab/state'`;

/** What a drift check must name then, and nothing else. */
export const CHANGED = ['package_files /usr/bin/hostname', `services ${SERVICE}`, 'etc /etc/lab/state'];

/** What a drift check names: `SECTION NAME`, in its order. */
export function named({ differences }: Drift): string[] {
  return differences.map(({ section, name }) => `${section} ${name}`);
}
