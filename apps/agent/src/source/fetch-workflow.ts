import { createHash } from 'node:crypto';
import { type ArchiveFile, readArchive } from '@bty/archive';
import type { JobWorkflow } from '@bty/wire-types';
import { type AskPorts, fetchWhole } from './fetch-whole.js';

/** What the server takes of a workflow, with room for headers. */
const MAX_FILES = 1_000;

/** Fetches the files of a workflow. Throws as `fetchWhole` does, and ARCHIVE_INVALID. */
export async function fetchWorkflow(
  url: string,
  { name, digest, size_bytes }: JobWorkflow,
  ports: AskPorts,
  signal: AbortSignal,
): Promise<ArchiveFile[]> {
  const file = {
    url,
    what: `the workflow ${name}`,
    maxBytes: size_bytes,
    isRight: (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex') === digest,
    codes: { refused: 'UNAVAILABLE', tooLong: 'ARCHIVE_INVALID' },
  } as const;
  return readArchive(await fetchWhole(file, ports, signal), { maxFiles: MAX_FILES, maxBytes: size_bytes });
}
