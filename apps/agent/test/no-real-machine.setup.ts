import child_process from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Set-up of the unit tests: no real process is started and no device is opened. What a test forgot to replace fails
 * here instead of writing to the disk of whoever runs it.
 */
const refuse = (what: string): never => {
  throw new Error(`a unit test must not touch the real machine: ${what}`);
};

for (const name of ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'] as const) {
  Object.assign(child_process, { [name]: (program: unknown) => refuse(`${name} ${String(program)}`) });
}

const isDevice = (path: unknown): boolean => /^\/dev\//.test(String(path)) && path !== '/dev/null';

for (const owner of [fs, fs.promises]) {
  for (const name of ['open', 'openSync', 'readFile', 'readFileSync', 'writeFile', 'writeFileSync'] as const) {
    const original: unknown = Reflect.get(owner, name);
    if (typeof original !== 'function') continue;
    Reflect.set(owner, name, (path: unknown, ...rest: unknown[]) => {
      if (isDevice(path)) refuse(`${name} ${String(path)}`);
      return Reflect.apply(original, owner, [path, ...rest]) as unknown;
    });
  }
}
syncBuiltinESMExports();
