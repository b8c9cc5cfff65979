/** A line of a fstab. */
export interface FstabEntry {
  /** `UUID=...`, `/dev/mapper/...`, `tmpfs`. */
  spec: string;
  point: string;
  type: string;
  options: string[];
}

function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_whole, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Reads a fstab; lines that are none are left out. */
export function parseFstab(text: string): FstabEntry[] {
  return text.split('\n').flatMap((line) => {
    const [spec, point, type, options = ''] = line.trim().split(/[ \t]+/);
    if (spec === undefined || spec.startsWith('#') || point === undefined || type === undefined) return [];
    const plain = unescaped(point).replace(/(.)\/+$/, '$1');
    return [{ spec: unescaped(spec).replaceAll('"', ''), point: plain, type, options: options.split(',') }];
  });
}

/** The entry that is mounted over a folder or above it, other than the root's own; the nearest when there are several. */
export function mountedAbove(entries: readonly FstabEntry[], path: string): FstabEntry | undefined {
  return entries
    .filter(({ point }) => point !== '/' && (path === point || path.startsWith(`${point}/`)))
    .sort((a, b) => a.point.length - b.point.length)
    .at(-1);
}

/** The value of an option such as `subvol`, without a leading slash. */
export function optionOf(entry: FstabEntry, name: string): string | undefined {
  const option = entry.options.find((text) => text.startsWith(`${name}=`));
  return option?.slice(name.length + 1).replace(/^\/+/, '');
}
