import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** A flash asks for hundreds of ranges of one file, one soon after the other. */
const KEEP_OPEN_MS = 10_000;
const MAX_OPEN_FILES = 64;

interface Shared {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
  readers: number;
  timer?: NodeJS.Timeout;
}

/** What one reader has of an open file, until it closes it. */
export interface SharedFile {
  readonly handle: Pick<FileHandle, 'fd' | 'close'>;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

async function openShared(path: string): Promise<Shared> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size, mtime } = await handle.stat();
    return { handle, sizeBytes: size, modifiedAt: mtime, readers: 0 };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Opens files that never change once for all who read them at about the same time: opening and closing one took more of the
 * processor than a small range of it. Throws as `open` does.
 */
export class SharedFiles {
  private readonly files = new Map<string, Promise<Shared>>();

  async open(path: string): Promise<SharedFile> {
    const opening = this.files.get(path) ?? this.start(path);
    const shared = await opening;
    clearTimeout(shared.timer);
    shared.readers += 1;
    const { handle, sizeBytes, modifiedAt } = shared;
    const close = (): Promise<void> => this.release(path, opening, shared);
    return { handle: { fd: handle.fd, close }, sizeBytes, modifiedAt };
  }

  /** To be called when the file is removed: closes it as soon as nobody reads it. */
  async forget(path: string): Promise<void> {
    const opening = this.files.get(path);
    this.files.delete(path);
    const shared = await opening?.catch(() => undefined); // whoever opens it is told
    clearTimeout(shared?.timer);
    if (shared?.readers === 0) await shared.handle.close();
  }

  async forgetAll(): Promise<void> {
    await Promise.all([...this.files.keys()].map((path) => this.forget(path)));
  }

  private start(path: string): Promise<Shared> {
    const opening = openShared(path);
    this.files.set(path, opening);
    opening.catch(() => {
      if (this.files.get(path) === opening) this.files.delete(path);
    });
    return opening;
  }

  private async release(path: string, opening: Promise<Shared>, shared: Shared): Promise<void> {
    shared.readers -= 1;
    if (shared.readers > 0) return;
    if (this.files.get(path) !== opening) return shared.handle.close();
    if (this.files.size > MAX_OPEN_FILES) return this.forget(path);
    // nothing is lost when closing what was only read fails
    const end = (): void => void this.forget(path).catch(() => undefined);
    shared.timer = setTimeout(end, KEEP_OPEN_MS).unref();
  }
}
