import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../config/index.js';
import { PackStore } from './pack-store.service.js';

let stateDir: string;
let store: PackStore;

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'bty-pack-store-'));
  store = new PackStore(parseConfig({ BTY_STATE_DIR: stateDir }));
});
afterEach(() => rmSync(stateDir, { recursive: true }));

describe('an unfinished file', () => {
  it('of an earlier run is removed at the start', async () => {
    const left = join(stateDir, 'packs/.3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f.partial');
    mkdirSync(join(stateDir, 'packs'));
    writeFileSync(left, 'half');
    await store.prepareDirectories();
    expect(existsSync(left)).toBe(false);
  });

  it('of an order that the queue had waiting for this run stays', async () => {
    const path = await store.createTemporary('packs');
    await store.prepareDirectories();
    expect(existsSync(path)).toBe(true);
    await expect(store.refuseLost(path)).resolves.toBeUndefined();
  });

  it('that somebody has removed is no fault of its image', async () => {
    const path = await store.createTemporary('maps');
    rmSync(path);
    for (const use of [store.refuseLost(path), store.place(path, 'maps', 'a'.repeat(64))]) {
      await expect(use).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    }
  });
});
