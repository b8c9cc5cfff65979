/** Builds, once for all tests, what they install, boot and flash; says why when this host can run no engine. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { build, CLOUD_INIT_IMAGE, LIVE_ENV } from '../lab/builds.ts';
import { run } from '../lab/process.ts';
import { Engine } from './engine.ts';
import { buildImages, imageBytes, OWN_IMAGES } from './images.ts';
import { obstacle } from './obstacles.ts';
import { copyRelease } from './release.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Why nothing can be tested here; empty when it can. */
    noEngine: string;
    /** A folder with the files of a release, of which the images are built. */
    release: string;
    deployedImage: string;
  }
}

function runs(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

async function tryEngine(): Promise<Engine | string> {
  const why = obstacle({ uid: process.getuid?.(), runs });
  if (why !== undefined) return why;
  try {
    return await Engine.start();
  } catch (error) {
    return (error as Error).message;
  }
}

export default async function setup(project: TestProject): Promise<(() => void) | undefined> {
  const engine = await tryEngine();
  project.provide('noEngine', typeof engine === 'string' ? engine : '');
  if (typeof engine === 'string') {
    console.error(`deploy: SKIPPED, no Docker engine can be started here: ${engine}`);
    return undefined;
  }
  const release = mkdtempSync(join(tmpdir(), 'bty-release-'));
  try {
    console.error(`deploy: ${engine.versions}`);
    build(LIVE_ENV);
    copyRelease(release, { withCache: true });
    run(join(release, 'script/deploy-init'), '--interface', 'br0');
    const began = performance.now();
    await buildImages(engine, release);
    const sizes = OWN_IMAGES.map((name) => `${name} ${Math.round(imageBytes(engine, name) / 1e6)} MB`);
    console.error(`deploy: images built in ${Math.round((performance.now() - began) / 1000)} s: ${sizes.join(', ')}`);
    project.provide('release', release);
    project.provide('deployedImage', build(CLOUD_INIT_IMAGE));
  } finally {
    await engine.stop();
  }
  return () => rmSync(release, { recursive: true, force: true });
}
