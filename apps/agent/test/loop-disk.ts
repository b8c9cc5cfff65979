import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MARGIN_BYTES } from '@bty/image-format';

/** How a loop device shows its file. */
export interface LoopOptions {
  readOnly?: boolean;
  sectorBytes?: 512 | 4096;
}

function attach(file: string, { readOnly = false, sectorBytes = 512 }: LoopOptions): string {
  const args = ['--find', '--show', '--sector-size', String(sectorBytes), ...(readOnly ? ['--read-only'] : []), file];
  return execFileSync('losetup', args).toString().trim();
}

/** A real block device of the kernel over a temporary file. */
export class LoopDisk {
  readonly path: string;
  readonly #folder: string;

  constructor(
    readonly before: Buffer,
    options: LoopOptions = {},
  ) {
    this.#folder = mkdtempSync(join(tmpdir(), 'bty-loop-'));
    writeFileSync(this.#file, before);
    this.path = attach(this.#file, options);
  }

  get #file(): string {
    return join(this.#folder, 'disk');
  }

  /** What is on the medium. */
  content(): Buffer {
    return readFileSync(this.#file);
  }

  /** Whether the disk has no first MiB, as it has none from the first write of a flash to its end. */
  headIsZero(): boolean {
    return this.content()
      .subarray(0, MARGIN_BYTES)
      .every((byte) => byte === 0);
  }

  /** Puts another medium behind the same device name, as a disk does that is unplugged and another plugged in. */
  replace(content: Buffer): void {
    execFileSync('losetup', ['--detach', this.path]);
    writeFileSync(this.#file, content);
    execFileSync('losetup', [this.path, this.#file]);
  }

  remove(): void {
    execFileSync('losetup', ['--detach', this.path]);
    rmSync(this.#folder, { recursive: true });
  }
}
