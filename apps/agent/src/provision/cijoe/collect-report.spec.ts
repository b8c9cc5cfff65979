import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collectReport } from './collect-report.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bty-report-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, content: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), content);
}

async function collected(limits?: Parameters<typeof collectReport>[1]): Promise<Record<string, string>> {
  const files = await collectReport(folder, limits);
  return Object.fromEntries(files.map(({ path, content }) => [path, content.toString()]));
}

describe('collectReport', () => {
  it('reads regular files at every depth, and follows no link', async () => {
    put('task.state', 'steps');
    put('001_a/cmd_01.output', 'out');
    symlinkSync('/etc/passwd', join(folder, 'secret'));
    symlinkSync('/etc', join(folder, '001_a/etc'));
    expect(await collected()).toEqual({ 'task.state': 'steps', '001_a/cmd_01.output': 'out' });
  });

  it('keeps what says most when not all fits, and names the rest', async () => {
    put('report.html', 'r'.repeat(60));
    put('small', 's'.repeat(10));
    put('large', 'l'.repeat(50));
    expect(await collected({ maxBytes: 100, maxFiles: 10 })).toEqual({
      'report.html': 'r'.repeat(60),
      small: 's'.repeat(10),
      'left-out.txt': '"large" (50 bytes)\n',
    });
  });

  it('keeps to the number of files, the list of the others included', async () => {
    for (const name of ['a', 'b', 'c', 'd']) put(name, name);
    expect(await collected({ maxBytes: 100, maxFiles: 3 })).toEqual({
      a: 'a',
      b: 'b',
      'left-out.txt': '"c" (1 bytes)\n"d" (1 bytes)\n',
    });
  });

  it('leaves out names that no archive takes', async () => {
    put('a\nb', 'x');
    expect(await collected()).toEqual({ 'left-out.txt': '"a\\nb" (1 bytes)\n' });
  });

  it('is empty when there is no such folder', async () => {
    expect(await collectReport(join(folder, 'none'))).toEqual([]);
  });
});
