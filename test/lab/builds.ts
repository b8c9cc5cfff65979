/** What tests boot and flash, built by commands of script/: each answers from its cache when it can. */
import { execFileSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '../..');

/** Where those commands keep what they download and build. */
export const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'bty');
export const BOOT_DIR = join(REPOSITORY, '.bty/boot');

export type Build = readonly [program: string, ...args: string[]];
const script = (name: string, ...args: string[]): Build => [join(REPOSITORY, 'script', name), ...args];

export const LIVE_ENV = script('live-env', '--boot-dir', BOOT_DIR);
export const DEMO_IMAGE = script('guest-image');
/** With cloud-init, an SSH server and sudo. */
export const CLOUD_INIT_IMAGE = script('guest-image', '--cloud-init');
export const usbStick = (...options: string[]): Build =>
  script('usb-stick', '--agent', join(REPOSITORY, 'dist/agent-bundle'), ...options);

/** Builds it, and returns what the command prints: where it is. */
export function build([program, ...args]: Build): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}
