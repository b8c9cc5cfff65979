import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArchiveFile, readArchive, writeArchive } from '@bty/archive';
import { BtyError } from '@bty/wire-types';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { WORKFLOW_LIMITS } from './workflow-files.js';

/** The archives of workflows, `$BTY_STATE_DIR/workflows/DIGEST.tar`: never changed, so anybody may keep a copy. */
@Injectable()
export class WorkflowStore {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** Stores files, durably; the same ones are stored once. Returns the digest of their archive, and its size. */
  async put(files: readonly ArchiveFile[]): Promise<{ digest: string; sizeBytes: number }> {
    const { bytes } = writeArchive(files);
    const digest = createHash('sha256').update(bytes).digest('hex');
    await mkdir(this.folder, { recursive: true });
    const temporary = join(this.folder, `.${randomUUID()}`);
    const handle = await open(temporary, 'wx', 0o644);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, this.path(digest));
    return { digest, sizeBytes: bytes.length };
  }

  /** The files of a version. Throws UNAVAILABLE when the archive is gone or damaged. */
  async files(digest: string): Promise<ArchiveFile[]> {
    const bytes = await this.unlessGone(digest, () => readFile(this.path(digest)));
    if (createHash('sha256').update(bytes).digest('hex') !== digest) {
      throw new BtyError('UNAVAILABLE', `${this.path(digest)} is damaged; put the workflow again`);
    }
    return readArchive(bytes, WORKFLOW_LIMITS);
  }

  /** Opens the archive of a version. Throws UNAVAILABLE when it is gone. */
  async open(digest: string): Promise<FileHandle> {
    return this.unlessGone(digest, () => open(this.path(digest), constants.O_RDONLY | constants.O_NOFOLLOW));
  }

  /** Length of the archive in bytes. Throws UNAVAILABLE when it is gone. */
  async sizeOf(digest: string): Promise<number> {
    return this.unlessGone(digest, async () => (await stat(this.path(digest))).size);
  }

  async remove(digest: string): Promise<void> {
    await rm(this.path(digest), { force: true });
  }

  private async unlessGone<T>(digest: string, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new BtyError('UNAVAILABLE', `the files of version ${digest} are gone; put the workflow again`, {
        cause: error,
      });
    }
  }

  private get folder(): string {
    return join(this.config.stateDir, 'workflows');
  }

  private path(digest: string): string {
    return join(this.folder, `${digest}.tar`);
  }
}
