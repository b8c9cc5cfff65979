import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readArchive, writeArchive } from '../src/index.js';

const LIMITS = { maxFiles: 100, maxBytes: 1024 * 1024 };
const LONG = `${'folder/'.repeat(20)}file`;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bty-archive-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('an archive made by tar itself', () => {
  beforeEach(() => {
    mkdirSync(join(folder, LONG, '..'), { recursive: true });
    writeFileSync(join(folder, LONG), 'deep');
    writeFileSync(join(folder, 'script.py'), 'print()\n');
    chmodSync(join(folder, 'script.py'), 0o755);
  });

  it.each(['gnu', 'pax', 'ustar'])('is read in format %s', (format) => {
    const bytes = execFileSync('tar', ['-C', folder, `--format=${format}`, '-cf', '-', '.']);
    expect(readArchive(bytes, LIMITS)).toEqual([
      { path: LONG, content: Buffer.from('deep'), executable: false },
      { path: 'script.py', content: Buffer.from('print()\n'), executable: true },
    ]);
  });

  it('is refused with a link in it, or a sparse file', () => {
    symlinkSync('/etc/passwd', join(folder, 'link'));
    const linked = execFileSync('tar', ['-C', folder, '-cf', '-', 'link']);
    expect(() => readArchive(linked, LIMITS)).toThrow('"link" is a symbolic link');
    execFileSync('truncate', ['-s', '1M', join(folder, 'holes')]);
    for (const format of ['gnu', 'pax']) {
      const sparse = execFileSync('tar', ['-C', folder, '-S', `--format=${format}`, '-cf', '-', 'holes']);
      expect(() => readArchive(sparse, LIMITS)).toThrow('a sparse file');
    }
  });
});

describe('an archive made by us', () => {
  it('is read by tar', () => {
    const { bytes } = writeArchive([
      { path: 'run.sh', content: Buffer.from('#!/bin/sh\n'), executable: true },
      { path: LONG, content: Buffer.from('deep'), executable: false },
    ]);
    execFileSync('tar', ['-C', folder, '-xf', '-'], { input: bytes });
    expect(
      execFileSync('find', ['.', '-type', 'f', '-printf', '%P %m\n'], { cwd: folder }).toString().split('\n').sort(),
    ).toEqual(['', `${LONG} 644`, 'run.sh 755'].sort());
    expect(execFileSync('cat', [join(folder, LONG)]).toString()).toBe('deep');
  });
});
