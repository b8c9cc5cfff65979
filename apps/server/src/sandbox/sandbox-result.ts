import { type ArchiveFile, readArchive } from '@bty/archive';
import { SANDBOX_LIMITS } from './sandbox-limits.js';

/** What came out of a sandbox. */
export interface SandboxResult {
  /** Whether its first program came to start what it was to run. */
  readonly started: boolean;
  /** Exit code of the program, 128 + N when signal N ended it; undefined when the sandbox was killed. */
  readonly exitCode: number | undefined;
  readonly files: readonly ArchiveFile[];
  /** Why there are no files although it ended by itself. */
  readonly filesProblem?: string | undefined;
}

const READY = 'ready\n';

/** Reads what came over the result descriptor: `ready`, `exit CODE`, a tar. A stranger's program may have written it. */
export function readResult(bytes: Buffer): SandboxResult {
  if (!bytes.subarray(0, READY.length).equals(Buffer.from(READY)))
    return { started: false, exitCode: undefined, files: [] };
  const rest = bytes.subarray(READY.length);
  const lineEnd = rest.indexOf('\n');
  const [, code] = /^exit (\d{1,3})$/.exec(rest.toString('latin1', 0, Math.max(0, lineEnd))) ?? [];
  if (code === undefined) return { started: true, exitCode: undefined, files: [] };
  const archive = rest.subarray(lineEnd + 1);
  const ended = { started: true, exitCode: Number(code) };
  if (archive.length === 0) return { ...ended, files: [] };
  try {
    const limits = { maxFiles: SANDBOX_LIMITS.resultFiles + 1, maxBytes: SANDBOX_LIMITS.resultBytes * 2 };
    return { ...ended, files: readArchive(archive, limits) };
  } catch (error) {
    return { ...ended, files: [], filesProblem: (error as Error).message };
  }
}
