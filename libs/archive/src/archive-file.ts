/** A regular file of an archive. Archives of bty hold nothing else: no links, no devices, no empty directories. */
export interface ArchiveFile {
  /** Relative, with `/` between its parts. */
  readonly path: string;
  readonly content: Buffer;
  readonly executable: boolean;
}

/** What a reader takes of a stranger's archive. */
export interface ArchiveLimits {
  readonly maxFiles: number;
  /** All contents together. */
  readonly maxBytes: number;
}

const MAX_PATH_BYTES = 255;
// Control characters, line separators and half characters could forge a line wherever a path is shown.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffd]/u;

/** What is wrong with the path of a file; undefined when it stays below the place where an archive is unpacked. */
export function archivePathProblem(path: string): string | undefined {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `is longer than ${MAX_PATH_BYTES} bytes`;
  if (UNPRINTABLE.test(path)) return 'has characters that cannot be shown';
  if (path.startsWith('/')) return 'is absolute';
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..'))
    return 'has an empty, "." or ".." part';
  return undefined;
}

/** How a path is named in an error: short, and with nothing that a terminal would act upon. */
export function shownPath(path: string): string {
  return JSON.stringify(path.length > 80 ? `${path.slice(0, 80)}…` : path).replace(/[^\x20-\x7e]/gu, '?');
}
