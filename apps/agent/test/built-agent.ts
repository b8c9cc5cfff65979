import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');

/** The `bty` command as it is shipped. */
export const BUNDLE = join(ROOT, 'dist/agent-bundle/agent.mjs');

/** Builds the command and its worker threads from the sources; once before all tests, since files run at once. */
export default function setup(): void {
  execFileSync(process.execPath, ['script/lib/bundle-agent.ts'], { cwd: ROOT });
}
