import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Which accesses fail, as QEMU's blkdebug driver takes it: `errno` 5 is EIO, `sector` counts 512 bytes. */
export interface DiskFault {
  iotype: 'read' | 'write' | 'flush';
  errno: number;
  sector?: number;
}

async function until(what: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!what()) {
    if (Date.now() > deadline) throw new Error('qemu-storage-daemon does not export the disk');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * A real block device of the kernel whose medium fails at given places, and which can be pulled out.
 * QEMU 7.2 mixes up writes that come at once over FUSE ("fuse: Copy write buffer content before polling", 2025), so
 * what is written here cannot be trusted to be there: only failures are tested on it.
 */
export class FailingDisk {
  readonly #folder = mkdtempSync(join(tmpdir(), 'bty-failing-'));
  readonly #daemon: ChildProcess;
  path = '';

  constructor(before: Buffer, faults: readonly DiskFault[]) {
    writeFileSync(join(this.#folder, 'medium'), before);
    writeFileSync(join(this.#folder, 'disk'), '');
    const file = { driver: 'file', filename: join(this.#folder, 'medium') };
    const rules = faults.map((fault) => ({ event: 'none', once: false, ...fault }));
    const injected = rules.length > 0 ? { 'inject-error': rules } : {};
    const node = { 'node-name': 'd', driver: 'blkdebug', ...injected, image: file };
    const mountpoint = join(this.#folder, 'disk');
    const fuse = { type: 'fuse', id: 'e', 'node-name': 'd', mountpoint, writable: true };
    this.#daemon = spawn(
      'qemu-storage-daemon',
      ['--blockdev', JSON.stringify(node), '--export', JSON.stringify(fuse)],
      {
        stdio: 'ignore',
      },
    );
  }

  /** Waits until the disk is there. */
  async attach(): Promise<void> {
    const file = join(this.#folder, 'disk');
    await until(() => statSync(file).size > 0);
    this.path = execFileSync('losetup', ['--find', '--show', '--direct-io=on', file]).toString().trim();
  }

  content(): Buffer {
    return readFileSync(join(this.#folder, 'medium'));
  }

  /** Pulls the disk out. */
  vanish(): void {
    this.#daemon.kill('SIGKILL');
  }

  async remove(): Promise<void> {
    execFileSync('losetup', ['--detach', this.path]);
    const ended = this.#daemon.exitCode ?? this.#daemon.signalCode;
    if (ended === null) {
      this.#daemon.kill('SIGTERM');
      await new Promise((resolve) => this.#daemon.once('exit', resolve));
    } else {
      execFileSync('umount', ['--lazy', join(this.#folder, 'disk')]);
    }
    rmSync(this.#folder, { recursive: true });
  }
}
