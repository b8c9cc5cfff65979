import type { ArchiveFile } from './archive-file.js';
import { BLOCK_BYTES, makeHeader } from './header.js';

/** Where the content of a file lies in an archive. */
export interface ArchiveEntry {
  readonly path: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

const MAX_NAME_BYTES = 100;
const END = Buffer.alloc(2 * BLOCK_BYTES);

function padding(sizeBytes: number): Buffer {
  return Buffer.alloc(-sizeBytes & (BLOCK_BYTES - 1));
}

/** A record says its own length, digits included. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  const restBytes = Buffer.byteLength(rest);
  let length = restBytes + 1;
  while (String(length).length + restBytes !== length) length += 1;
  return Buffer.from(`${length}${rest}`);
}

function headersOf(file: ArchiveFile): Buffer[] {
  const header = { mode: file.executable ? 0o755 : 0o644, sizeBytes: file.content.length, type: '0' };
  if (Buffer.byteLength(file.path) <= MAX_NAME_BYTES) return [makeHeader({ ...header, path: file.path })];
  const record = paxRecord('path', file.path);
  const extended = { path: 'pax-header', mode: 0o644, sizeBytes: record.length, type: 'x' };
  return [makeHeader(extended), record, padding(record.length), makeHeader({ ...header, path: 'long-path' })];
}

/**
 * Writes files as a tar, sorted by path, without owners and times: the same files give the same bytes, so the digest of
 * the archive names its contents. Also tells where each content lies.
 */
export function writeArchive(files: readonly ArchiveFile[]): { bytes: Buffer; entries: ArchiveEntry[] } {
  const parts: Buffer[] = [];
  const entries: ArchiveEntry[] = [];
  let at = 0;
  const add = (part: Buffer) => {
    parts.push(part);
    at += part.length;
  };
  for (const file of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    for (const part of headersOf(file)) add(part);
    entries.push({ path: file.path, offsetBytes: at, sizeBytes: file.content.length });
    add(file.content);
    add(padding(file.content.length));
  }
  return { bytes: Buffer.concat([...parts, END]), entries };
}
