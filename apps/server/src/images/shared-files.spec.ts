import { fstatSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SharedFiles } from './shared-files.js';

const KEEP_OPEN_MS = 10_000;
let folder: string;
let path: string;
let files: SharedFiles;
const isOpen = (fd: number): boolean => {
  try {
    return fstatSync(fd).size === 3;
  } catch {
    return false;
  }
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  folder = mkdtempSync(join(tmpdir(), 'bty-shared-files-'));
  path = join(folder, 'pack');
  writeFileSync(path, 'abc');
  files = new SharedFiles();
});
afterEach(async () => {
  await files.forgetAll();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

describe('files that readers share', () => {
  it('opens a file once for those who read it at the same time, and for those who come soon after', async () => {
    const [one, two] = await Promise.all([files.open(path), files.open(path)]);
    await one.handle.close();
    await two.handle.close();
    const three = await files.open(path);
    expect([one, two, three].map(({ handle, sizeBytes }) => [handle.fd, sizeBytes])).toEqual(
      Array.from({ length: 3 }, () => [one.handle.fd, 3]),
    );
    await three.handle.close();
  });

  it('closes it when nobody has read it for a while, and not before', async () => {
    const { handle } = await files.open(path);
    await vi.advanceTimersByTimeAsync(2 * KEEP_OPEN_MS);
    expect(isOpen(handle.fd)).toBe(true);
    await handle.close();
    await vi.advanceTimersByTimeAsync(KEEP_OPEN_MS - 1);
    expect(isOpen(handle.fd)).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    await vi.waitFor(() => expect(isOpen(handle.fd)).toBe(false));
  });

  it('gives a removed file back to the disk when its last reader is done', async () => {
    const { handle } = await files.open(path);
    unlinkSync(path);
    await files.forget(path);
    expect(isOpen(handle.fd)).toBe(true);
    await expect(files.open(path)).rejects.toMatchObject({ code: 'ENOENT' });
    await handle.close();
    expect(isOpen(handle.fd)).toBe(false);
  });

  it('looks again for a file that was not there', async () => {
    const later = join(folder, 'later');
    await expect(files.open(later)).rejects.toMatchObject({ code: 'ENOENT' });
    writeFileSync(later, 'abc');
    const { handle } = await files.open(later);
    expect(isOpen(handle.fd)).toBe(true);
    await handle.close();
  });
});
