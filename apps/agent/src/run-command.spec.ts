import { open } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { runCommand } from './run-command.js';

describe('the set-up of the unit tests', () => {
  it('lets no test start a real process', async () => {
    await expect(runCommand('true', [], 1000)).rejects.toThrow('must not touch the real machine');
  });

  it('lets no test open a device', async () => {
    await expect(async () => open('/dev/zero', 'r')).rejects.toThrow('must not touch the real machine');
  });
});
