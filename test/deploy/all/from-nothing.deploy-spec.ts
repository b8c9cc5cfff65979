import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { Engine } from '../engine.ts';
import { buildImages } from '../images.ts';
import { copyRelease } from '../release.ts';

describe.skipIf(inject('noEngine'))('a release on a host that has built nothing', () => {
  it('is built by Compose alone, the live env included', async () => {
    const release = mkdtempSync(join(tmpdir(), 'bty-nothing-'));
    const engine = await Engine.start(undefined, 'none');
    try {
      copyRelease(release, { withCache: false });
      execFileSync(join(release, 'script/deploy-init'), { stdio: 'ignore' });
      const began = performance.now();
      await buildImages(engine, release);
      console.error(`deploy: built from nothing in ${Math.round((performance.now() - began) / 1000)} s`);
      const boot = engine.docker('run', '--rm', '--network', 'none', 'bty-server', 'ls', '/usr/share/bty/boot');
      expect(boot.trim().split('\n')).toEqual(
        expect.arrayContaining(['base.initrd', 'cijoe.initrd', 'snponly.efi', 'undionly.kpxe', 'vmlinuz']),
      );
    } finally {
      await engine.stop();
      rmSync(release, { recursive: true, force: true });
    }
  });
});
