/** A boot entry of UEFI firmware as `efibootmgr -v` lists it. */
export interface BootEntry {
  /** Four hexadecimal digits. */
  number: string;
  label: string;
  devicePath: string;
}

/** The label of the entries that bty makes. Others are never touched. */
export const BTY_LABEL = 'bty-disk';

/** Reads the output of `efibootmgr -v`. */
export function parseBootEntries(output: string): BootEntry[] {
  return output.split('\n').flatMap((line) => {
    const match = /^Boot([0-9A-F]{4})\*? ([^\t]*)\t?(.*)$/i.exec(line);
    if (match === null) return [];
    return [{ number: match[1] ?? '', label: (match[2] ?? '').trim(), devicePath: match[3] ?? '' }];
  });
}

/** Which of our entries leads to this partition, and which lead elsewhere and are to be removed. */
export function sortOwnEntries(
  entries: readonly BootEntry[],
  partitionGuid: string,
): { fitting: BootEntry | undefined; stale: BootEntry[] } {
  const own = entries.filter(({ label }) => label === BTY_LABEL);
  const fitting = own.find(({ devicePath }) => devicePath.toLowerCase().includes(partitionGuid));
  return { fitting, stale: own.filter((entry) => entry !== fitting) };
}
