/** Builds, once for all stories, what they boot and flash. */
import type { TestProject } from 'vitest/node';
import { BOOT_DIR, build, CLOUD_INIT_IMAGE, DEMO_IMAGE, LIVE_ENV } from '../lab/builds.ts';

declare module 'vitest' {
  interface ProvidedContext {
    bootDir: string;
    demoImage: string;
    /** With cloud-init, an SSH server and sudo. */
    cloudInitImage: string;
  }
}

export default function setup(project: TestProject): void {
  build(LIVE_ENV);
  project.provide('bootDir', BOOT_DIR);
  project.provide('demoImage', build(DEMO_IMAGE));
  project.provide('cloudInitImage', build(CLOUD_INIT_IMAGE));
}
