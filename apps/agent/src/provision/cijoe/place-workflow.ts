import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArchiveFile } from '@bty/archive';
import type { JobWorkflow } from '@bty/wire-types';
import type { PlacedWorkflow } from './workflow-provisioner.js';

/** How the folders of workflows begin, below the agent's own. */
export const WORKFLOW_FOLDER_PREFIX = 'workflow-';

/** What a workflow of a server's sees: not what the agent was started with. */
function environment(searchPath: string, home: string): Record<string, string> {
  return { PATH: searchPath, HOME: home, LANG: 'C.UTF-8', PYTHONUNBUFFERED: '1' };
}

/** Lays out the files of a workflow in a folder of its own while `work` runs. */
export async function whilePlaced<T>(
  { main_file, config, time_limit_seconds }: JobWorkflow,
  files: readonly ArchiveFile[],
  { workDir, searchPath }: { workDir: string; searchPath: string },
  work: (workflow: PlacedWorkflow) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(workDir, WORKFLOW_FOLDER_PREFIX));
  try {
    const [cwd, home] = [join(folder, 'workflow'), join(folder, 'home')];
    for (const path of [cwd, home]) await mkdir(path);
    for (const { path, content, executable } of files) {
      const place = join(cwd, path);
      await mkdir(dirname(place), { recursive: true });
      await writeFile(place, content, { flag: 'wx' });
      if (executable) await chmod(place, 0o755);
    }
    await writeFile(join(folder, 'bty.toml'), config);
    return await work({
      cwd,
      mainFile: main_file,
      config: join(folder, 'bty.toml'),
      output: join(folder, 'output'),
      timeLimitSeconds: time_limit_seconds,
      env: environment(searchPath, home),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
