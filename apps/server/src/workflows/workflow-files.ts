import { type ArchiveFile, archivePathProblem, readArchive } from '@bty/archive';

/** What a workflow may consist of. */
export const WORKFLOW_LIMITS = { uploadBytes: 16 * 1024 * 1024, maxFiles: 500, maxBytes: 32 * 1024 * 1024 } as const;

/** The file of settings that cijoe reads by default, and a workflow may bring along. */
export const CONFIG_FILE = 'cijoe-config.toml';
/** How cijoe calls its workflows, and did before 0.9.48. */
const MAIN_FILES = ['cijoe-task.yaml', 'cijoe-workflow.yaml'];

/**
 * Which file of a workflow cijoe is to run: the one of cijoe's own name, or the only YAML at the top. Returns what is
 * wrong when that is not clear.
 */
export function mainFileOf(files: readonly ArchiveFile[]): { path: string } | { problem: string } {
  const top = files.map(({ path }) => path).filter((path) => !path.includes('/') && path.endsWith('.yaml'));
  const named = MAIN_FILES.find((name) => top.includes(name));
  if (named !== undefined) return { path: named };
  const [only, ...others] = top;
  if (only === undefined) return { problem: 'there is no .yaml at the top of the archive' };
  if (others.length > 0) return { problem: `several .yaml are at the top; call the one to run ${MAIN_FILES[0]}` };
  return { path: only };
}

/** The files that were sent: a tar, or one YAML. Throws ARCHIVE_INVALID and TOO_LARGE. */
export function readUpload(bytes: Buffer, contentType: string | undefined): ArchiveFile[] {
  if (/^(application|text)\/(x-)?yaml\b/i.test(contentType ?? '')) {
    return [{ path: MAIN_FILES[0] as string, content: bytes, executable: false }];
  }
  return readArchive(bytes, WORKFLOW_LIMITS);
}

/** The same files below a folder. */
export function below(folder: string, files: readonly ArchiveFile[]): ArchiveFile[] {
  return files.map((file) => {
    const path = `${folder}/${file.path}`;
    // The folder may have made a path too long that was just short enough.
    const problem = archivePathProblem(path);
    if (problem !== undefined) throw new RangeError(`${path} ${problem}`);
    return { ...file, path };
  });
}
