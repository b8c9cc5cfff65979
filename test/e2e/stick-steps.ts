/** What stories about the USB stick share. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '../..');

/** Builds a stick's image with the agent as it is built. Returns its file. */
export function buildStick(file: string, ...options: string[]): string {
  const args = ['--agent', join(REPOSITORY, 'dist/agent-bundle'), '--out', file, ...options];
  return execFileSync(join(REPOSITORY, 'script/usb-stick'), args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

/** A JSON document on a line of its own. */
export const JSON_LINE = /^\{.*\}$/m;
