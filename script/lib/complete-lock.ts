/**
 * Adds the optional packages of foreign platforms to package-lock.json.
 *
 * A registry that does not carry them makes `npm install` write a lock without them, and `npm ci` then refuses
 * that lock. Each stub names the version and the platform it is for, so npm skips it everywhere else.
 * Run after every change of dependencies: `node script/lib/complete-lock.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface LockEntry {
  version?: string;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

const OS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const CPU = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

function stubFor(name: string, version: string): LockEntry {
  const words = name
    .replace('windows', 'win32')
    .replace('universal', 'darwin')
    .split(/[^a-z0-9]+/);
  const pick = (known: string[]): string[] => known.filter((word) => words.includes(word));
  const entry: LockEntry = { version: version.replace(/^[~^]/, ''), optional: true };
  const [os, cpu] = [pick(OS), pick(CPU)];
  if (os.length > 0) entry.os = os;
  if (cpu.length > 0) entry.cpu = cpu;
  if (words.some((word) => word.startsWith('musl'))) entry.libc = ['musl'];
  return entry;
}

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, LockEntry> };
let added = 0;
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const known = [`node_modules/${name}`, `${path}/node_modules/${name}`];
    if (known.some((key) => key in lock.packages)) continue;
    lock.packages[`node_modules/${name}`] = stubFor(name, version);
    added += 1;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
console.error(`complete-lock: ${added} packages of other platforms added`);
