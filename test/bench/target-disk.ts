import { spawnSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../lab/process.ts';
import { type ImageContent, putContent, type StartContent } from './disk-content.ts';

/** A disk at the speed of memory: a loop device on a file of a tmpfs. */
export class TargetDisk {
  /** The block device that tools write to. */
  readonly device: string;
  readonly #file: string;
  readonly #sizeBytes: number;

  constructor(folder: string, name: string, sizeBytes: number) {
    this.#file = join(folder, name);
    this.#sizeBytes = sizeBytes;
    writeFileSync(this.#file, '');
    truncateSync(this.#file, sizeBytes);
    this.device = run('losetup', '--find', '--show', this.#file).trim();
  }

  /** Puts the disk into the state from which a run starts, with nothing of it in the device's cache. */
  put(content: StartContent): void {
    putContent(this.#file, this.#sizeBytes, content);
    this.#flush();
  }

  /** Where the disk differs from the image; undefined when all bytes are equal. Compared by `cmp`, below the device. */
  difference(expected: ImageContent): string | undefined {
    this.#flush();
    const copyBytes = this.#sizeBytes / expected.copies;
    for (let copy = 0; copy < expected.copies; copy += 1) {
      const skip = `--ignore-initial=${copy * copyBytes}:0`;
      const { status, stdout, stderr } = spawnSync('cmp', [skip, `--bytes=${copyBytes}`, this.#file, expected.file], {
        encoding: 'utf8',
      });
      if (status !== 0) return `the disk differs from the image: ${/byte \d+/.exec(stdout)?.[0] ?? stderr.trim()}`;
    }
    return undefined;
  }

  /** Hashes the whole device past the cache and returns the seconds that took. */
  hashSeconds(): number {
    const began = performance.now();
    run('bash', '-c', 'set -o pipefail; dd if="$1" bs=4M iflag=direct status=none | b3sum', 'bash', this.device);
    return (performance.now() - began) / 1000;
  }

  remove(): void {
    run('losetup', '--detach', this.device);
  }

  // BLKFLSBUF writes out what is dirty and drops the rest, so that nobody reads the disk out of memory
  #flush(): void {
    run('blockdev', '--flushbufs', this.device);
  }
}
