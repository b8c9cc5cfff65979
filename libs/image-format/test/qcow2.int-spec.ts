import 'reflect-metadata';
import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openQcow2 } from '../src/index.js';
import { at, filling, layouts, make, oracle, run } from './qemu-images.js';
import { expand, MemorySource } from './sources.js';

const open = (file: Buffer) => openQcow2(new MemorySource(file), { maxBytes: 2 ** 24 });

describe('images that QEMU made', () => {
  it('read as qemu-img reads them, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(layouts, async (layout) => {
        const image = await open(make(layout, at('image.qcow2')));
        const disk = await expand(image);
        expect(disk.equals(oracle(at('image.qcow2')))).toBe(true);
        let end = 0;
        for await (const extent of image.extents()) {
          expect(extent.offsetBytes).toBe(end);
          end += extent.lengthBytes;
          if (extent.kind === 'zero')
            expect(disk.subarray(extent.offsetBytes, end).every((byte) => byte === 0)).toBe(true);
        }
        expect(end).toBe(layout.sectors * 512);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  const base = at('base.raw');
  it.each([
    [
      'a backing file',
      () => run('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', at('r.qcow2')),
      /backing/,
    ],
    [
      'an external data file',
      () => run('qemu-img', 'create', '-q', '-f', 'qcow2', '-o', `data_file=${at('d')}`, at('r.qcow2'), '1M'),
      /external/,
    ],
    [
      'encryption',
      () =>
        run(
          'qemu-img',
          'create',
          '-q',
          '-f',
          'qcow2',
          '--object',
          'secret,id=s,data=x',
          '-o',
          'encrypt.format=aes,encrypt.key-secret=s',
          at('r.qcow2'),
          '1M',
        ),
      /crypt_method is 1/,
    ],
    [
      'a snapshot',
      () => {
        run('qemu-img', 'create', '-q', '-f', 'qcow2', at('r.qcow2'), '1M');
        run('qemu-img', 'snapshot', '-c', 'before', at('r.qcow2'));
      },
      /nb_snapshots is 1/,
    ],
  ] as const)('with %s are refused', async (_what, create, message) => {
    writeFileSync(base, filling(2 ** 20));
    create();
    await expect(open(readFileSync(at('r.qcow2')))).rejects.toThrow(message);
  });
});
