import { describe, expect, it } from 'vitest';
import type { ProgramPorts } from './command-ports.js';
import { complete } from './completion.js';
import { buildProgram } from './program.js';

const ports = { environment: {}, searchPath: '' } as unknown as ProgramPorts;
const completers = {
  disks: async () => ['/dev/sda', '/dev/sdb', '/dev/nvme0n1'],
  images: async () => ['a.img', 'b.qcow2'],
};
const suggestions = (...words: string[]) => complete(buildProgram(ports), words, completers);

describe('completion', () => {
  it.each<[string[], string[] | undefined]>([
    [['fl'], ['flash']],
    [['li'], ['list']],
    [
      ['list', ''],
      ['disks', 'images'],
    ],
    [['inspect', 'image', 'a'], ['a.img']],
    [['flash', '--ver'], ['--verify']],
    [
      ['flash', '--verify', ''],
      ['full', 'written', 'off'],
    ],
    [
      ['flash', '--target', '/dev/sd'],
      ['/dev/sda', '/dev/sdb'],
    ],
    [
      ['flash', '--yes', '--image', ''],
      ['a.img', 'b.qcow2'],
    ],
    [['list', 'disks', '--disk', '/dev/n'], ['/dev/nvme0n1']],
    [['flash', '--user-data', ''], undefined],
    [['flash', '--image', '/srv/'], []],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
  ])('of %j', async (words, expected) => {
    expect(await suggestions(...words)).toEqual(expected);
  });

  it('offers every command but its own', async () => {
    const all = await suggestions('');
    expect(all).toContain('help');
    expect(all).not.toContain('complete');
  });
});
