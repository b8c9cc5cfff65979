import { constants, createWriteStream, type WriteStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArchiveFile, writeArchive } from '@bty/archive';
import { BtyError } from '@bty/wire-types';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import type { ReportFile } from './run.entity.js';

/**
 * What runs leave behind, `$BTY_STATE_DIR/runs/ID/`: `log`, and `report.tar`. A report stays in its archive, so that its
 * file names, which a stranger has chosen, never become names of ours.
 */
@Injectable()
export class ReportStore {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** Opens the log of a run for writing; what it had before is gone. */
  async openLog(runId: string): Promise<WriteStream> {
    await mkdir(this.folder(runId), { recursive: true });
    return createWriteStream(this.logFile(runId), { flags: 'w', mode: 0o644 });
  }

  /** Opens the log for reading. Undefined when there is none yet. */
  async readLog(runId: string): Promise<FileHandle | undefined> {
    try {
      return await open(this.logFile(runId), constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Stores the files of a report; returns where they lie. */
  async putReport(runId: string, files: readonly ArchiveFile[]): Promise<ReportFile[]> {
    const { bytes, entries } = writeArchive(files);
    await mkdir(this.folder(runId), { recursive: true });
    const fresh = `${this.reportFile(runId)}.new`;
    const handle = await open(fresh, 'w', 0o644);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, this.reportFile(runId));
    return entries;
  }

  /** Opens the archive of a report. Throws NOT_FOUND. */
  async openReport(runId: string): Promise<FileHandle> {
    try {
      return await open(this.reportFile(runId), constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new BtyError('NOT_FOUND', `run ${runId} has no report`, { cause: error });
    }
  }

  async remove(runId: string): Promise<void> {
    await rm(this.folder(runId), { recursive: true, force: true });
  }

  private folder(runId: string): string {
    return join(this.config.stateDir, 'runs', runId);
  }

  private logFile(runId: string): string {
    return join(this.folder(runId), 'log');
  }

  private reportFile(runId: string): string {
    return join(this.folder(runId), 'report.tar');
  }
}
