/** What an admin has downloaded: the files that images are built from, without anything that was made beside them. */
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from '../lab/builds.ts';
import { run } from '../lab/process.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const LIVE_ENV = join(CACHE, 'live-env');

/** Copies the files to a folder. `withCache`: also what the host has built of the live env, so that it is not built again. */
export function copyRelease(folder: string, { withCache }: { withCache: boolean }): void {
  const names = readFileSync(join(REPOSITORY, '.dockerignore'), 'utf8').matchAll(/^!([^.][^/\n]*)$/gm);
  for (const [, name = ''] of names) cpSync(join(REPOSITORY, name), join(folder, name), { recursive: true });
  cpSync(join(REPOSITORY, '.dockerignore'), join(folder, '.dockerignore'));
  run('rm', '-f', join(folder, 'deploy/.env'));
  if (!withCache) return;
  for (const part of ['systems', 'cijoe']) {
    const place = join(folder, '.bty/build-cache/live-env', part);
    mkdirSync(place, { recursive: true });
    run('cp', '-al', newestIn(join(LIVE_ENV, part)), place);
  }
}

/** script/live-env touches what it uses. */
function newestIn(folder: string): string {
  const age = (name: string): number => statSync(join(folder, name)).mtimeMs;
  const [newest] = readdirSync(folder).sort((a, b) => age(b) - age(a));
  if (newest === undefined) throw new Error(`nothing is built in ${folder}`);
  return join(folder, newest);
}
