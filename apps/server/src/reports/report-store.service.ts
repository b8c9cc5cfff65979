import { constants, createWriteStream, type WriteStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArchiveFile, writeArchive } from '@bty/archive';
import { BtyError } from '@bty/wire-types';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import type { ReportFile } from './report-file.js';

/** What a report belongs to. */
export type ReportOwner = `runs/${string}` | `flash-jobs/${string}`;

/**
 * What workflows leave behind, `$BTY_STATE_DIR/OWNER/`: `log`, and `report.tar`. A report stays in its archive, so that its
 * file names, which a stranger has chosen, never become names of ours.
 */
@Injectable()
export class ReportStore {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** Opens the log for writing; what it had before is gone. */
  async openLog(owner: ReportOwner): Promise<WriteStream> {
    await mkdir(this.folder(owner), { recursive: true });
    return createWriteStream(this.logFile(owner), { flags: 'w', mode: 0o644 });
  }

  /** Opens the log for reading. Undefined when there is none yet. */
  async readLog(owner: ReportOwner): Promise<FileHandle | undefined> {
    try {
      return await open(this.logFile(owner), constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Stores the files of a report; returns where they lie. */
  async putReport(owner: ReportOwner, files: readonly ArchiveFile[]): Promise<ReportFile[]> {
    const { bytes, entries } = writeArchive(files);
    await mkdir(this.folder(owner), { recursive: true });
    const fresh = `${this.reportFile(owner)}.new`;
    const handle = await open(fresh, 'w', 0o644);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, this.reportFile(owner));
    return entries;
  }

  /** Opens the archive of a report. Throws NOT_FOUND. */
  async openReport(owner: ReportOwner): Promise<FileHandle> {
    try {
      return await open(this.reportFile(owner), constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new BtyError('NOT_FOUND', `${owner} has no report`, { cause: error });
    }
  }

  async remove(owner: ReportOwner): Promise<void> {
    await rm(this.folder(owner), { recursive: true, force: true });
  }

  private folder(owner: ReportOwner): string {
    return join(this.config.stateDir, owner);
  }

  private logFile(owner: ReportOwner): string {
    return join(this.folder(owner), 'log');
  }

  private reportFile(owner: ReportOwner): string {
    return join(this.folder(owner), 'report.tar');
  }
}
