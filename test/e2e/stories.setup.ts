/** Builds, once for all stories, what they boot and flash; both scripts answer from their cache when they can. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    bootDir: string;
    demoImage: string;
    /** With cloud-init, an SSH server and sudo. */
    cloudInitImage: string;
  }
}

const REPOSITORY = join(import.meta.dirname, '../..');

export default function setup(project: TestProject): void {
  const bootDir = join(REPOSITORY, '.bty/boot');
  const script = (name: string, ...args: string[]): string =>
    execFileSync(join(REPOSITORY, 'script', name), args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  script('live-env', '--boot-dir', bootDir);
  project.provide('bootDir', bootDir);
  project.provide('demoImage', script('guest-image').trim());
  project.provide('cloudInitImage', script('guest-image', '--cloud-init').trim());
}
