import { execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConsoleWriter } from '../src/screen/console-writer.js';

describe('a console', () => {
  it('that nobody reads, or that is not there, holds nothing up; one that is read again shows the newest', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bty-console-'));
    const path = join(folder, 'console');
    execFileSync('mkfifo', [path]);
    const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stuck = new ConsoleWriter(path, () => performance.now());
    const absent = new ConsoleWriter(join(folder, 'absent', 'tty'), () => performance.now());
    let worstMs = 0;
    for (let frame = 0; frame < 300; frame += 1) {
      const from = performance.now();
      stuck.write('x'.repeat(1000));
      absent.write('x');
      await new Promise((resolve) => setImmediate(resolve));
      worstMs = Math.max(worstMs, performance.now() - from);
    }
    expect(worstMs).toBeLessThan(500);
    const drain = Buffer.alloc(100_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await reader.read(drain);
    stuck.write('the newest');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { bytesRead } = await reader.read(drain);
    expect(drain.toString('latin1', 0, bytesRead).endsWith('the newest')).toBe(true);
    await reader.close();
    await rm(folder, { recursive: true });
  });
});
