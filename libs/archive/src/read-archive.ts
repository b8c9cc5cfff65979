import { BtyError } from '@bty/wire-types';
import { type ArchiveFile, type ArchiveLimits, archivePathProblem, shownPath } from './archive-file.js';
import { BLOCK_BYTES, type Header, readHeader } from './header.js';

/** What an extended header says about the entry that follows it. */
interface Extension {
  path?: string;
  sizeBytes?: number;
}

const MAX_EXTENSION_BYTES = 64 * 1024;
const KINDS: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '6': 'a named pipe',
  S: 'a sparse file',
};

function invalid(message: string): BtyError {
  return new BtyError('ARCHIVE_INVALID', message);
}

/** Reads the records of a pax header, `LENGTH KEY=VALUE\n` each (POSIX.1-2017, "pax Extended Header"). */
function readPax(content: Buffer): Extension {
  const extension: Extension = {};
  for (let at = 0; at < content.length; ) {
    const blank = content.indexOf(0x20, at);
    const length = blank === -1 ? Number.NaN : Number(content.toString('latin1', at, blank));
    const record = content.toString('utf8', blank + 1, at + length - 1);
    const equals = record.indexOf('=');
    if (!(length > 0) || at + length > content.length || equals === -1) throw invalid('an extended header is damaged');
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (key.startsWith('GNU.sparse.')) throw invalid('a sparse file is in the archive; only whole files are taken');
    if (key === 'path') extension.path = value;
    if (key === 'size') extension.sizeBytes = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    at += length;
  }
  return extension;
}

/** Walks through the entries of a tar, extended headers applied to what they belong to. */
function* entriesOf(bytes: Buffer): Generator<{ header: Header; content: Buffer }> {
  let extension: Extension = {};
  for (let at = 0; ; ) {
    if (at + BLOCK_BYTES > bytes.length) throw invalid('the archive ends early');
    const block = bytes.subarray(at, at + BLOCK_BYTES);
    if (block.every((byte) => byte === 0)) return;
    const header = readHeader(block);
    if (header === undefined) throw invalid(`there is no tar header at byte ${at}`);
    const own = header.type === 'x' || header.type === 'g' || header.type === 'L';
    const sizeBytes = own ? header.sizeBytes : (extension.sizeBytes ?? header.sizeBytes);
    const start = at + BLOCK_BYTES;
    if (!(start + sizeBytes <= bytes.length)) throw invalid('the archive ends early');
    const content = bytes.subarray(start, start + sizeBytes);
    at = start + Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
    if (own && sizeBytes > MAX_EXTENSION_BYTES) throw invalid('an extended header is too long');
    if (header.type === 'x') extension = { ...extension, ...readPax(content) };
    else if (header.type === 'L') extension = { ...extension, path: content.toString('utf8').replace(/\0.*$/s, '') };
    else if (header.type !== 'g') {
      yield { header: { ...header, path: extension.path ?? header.path, sizeBytes }, content };
      extension = {};
    }
  }
}

function checkPlace(path: string, taken: ReadonlySet<string>, folders: ReadonlySet<string>): void {
  const problem = archivePathProblem(path);
  if (problem !== undefined) throw invalid(`the path ${shownPath(path)} ${problem}`);
  if (taken.has(path)) throw invalid(`${shownPath(path)} is there twice`);
  if (folders.has(path)) throw invalid(`${shownPath(path)} is a file and a directory`);
}

function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/**
 * Reads a tar (ustar, pax, GNU) that a stranger has made. Throws ARCHIVE_INVALID for anything but regular files and
 * directories on paths that stay inside, and TOO_LARGE beyond the limits. The files come sorted by path, and their
 * contents are views of `bytes`.
 */
export function readArchive(bytes: Buffer, limits: ArchiveLimits): ArchiveFile[] {
  const files = new Map<string, ArchiveFile>();
  const taken = new Set<string>();
  const folders = new Set<string>();
  let total = 0;
  for (const { header, content } of entriesOf(bytes)) {
    // `tar -C dir .` writes "./name".
    const path = header.path.replace(/^(\.\/+)+/, '');
    if (header.type === '5') continue;
    if (header.type !== '0' && header.type !== '7') {
      const kind = KINDS[header.type] ?? 'something of an unknown kind';
      throw invalid(`${shownPath(path)} is ${kind}; only regular files are taken`);
    }
    checkPlace(path, taken, folders);
    const above = foldersOf(path);
    const blocked = above.find((folder) => taken.has(folder));
    if (blocked !== undefined) throw invalid(`${shownPath(blocked)} is a file and a directory`);
    total += content.length;
    if (files.size >= limits.maxFiles) throw new BtyError('TOO_LARGE', `more than ${limits.maxFiles} files`);
    if (total > limits.maxBytes) throw new BtyError('TOO_LARGE', `more than ${limits.maxBytes} bytes`);
    taken.add(path);
    for (const folder of above) folders.add(folder);
    files.set(path, { path, content, executable: (header.mode & 0o100) !== 0 });
  }
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
