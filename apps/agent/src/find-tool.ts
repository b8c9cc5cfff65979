import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Where a program is, by the folders of a search path; undefined when it is in none. */
export async function findTool(searchPath: string, name: string): Promise<string | undefined> {
  for (const folder of searchPath.split(delimiter)) {
    const path = join(folder, name);
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return path;
  }
  return undefined;
}
