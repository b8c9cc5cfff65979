import { constants, type FileHandle, mkdir, open, readlink, unlink } from 'node:fs/promises';
import { posix } from 'node:path';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
// A file of the image may be a pipe, on which a plain open would wait for ever.
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const MAX_LINKS = 40;
const NOT_THERE = ['ENOENT', 'ENOTDIR', 'ELOOP'];

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

function fail(code: string, path: string, problem: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${path}: ${problem}`), { code });
}

/** A name within an open folder: the kernel resolves it from the descriptor, whatever has become of the folder's path. */
function within(folder: FileHandle, name: string): string {
  return `/proc/self/fd/${folder.fd}/${name}`;
}

interface Walk {
  /** Makes the folders that are missing. */
  create?: boolean;
  /** Refuses symbolic links instead of following them. */
  noLinks?: boolean;
}

/** The folders from the root to the one that was asked for, open. */
class Trail {
  readonly #steps: { name: string; handle: FileHandle }[] = [];

  constructor(private readonly root: FileHandle) {}

  get here(): FileHandle {
    return this.#steps.at(-1)?.handle ?? this.root;
  }

  get path(): string {
    return `/${this.#steps.map(({ name }) => name).join('/')}`;
  }

  enter(name: string, handle: FileHandle): void {
    this.#steps.push({ name, handle });
  }

  /** Goes up by one; at the root it stays where it is, as the root of a running system does. */
  async leave(): Promise<void> {
    await this.#steps.pop()?.handle.close();
  }

  async close(): Promise<void> {
    while (this.#steps.length > 0) await this.leave();
  }
}

/**
 * The files of a mounted file system, as the system that it belongs to would see them: links are resolved with this
 * root as `/`, so that none leads out (openat2's RESOLVE_IN_ROOT, which Node does not have). Folders are opened one by
 * one without following links. Paths are absolute.
 */
export class InsideRoot {
  private constructor(private readonly root: FileHandle) {}

  static async open(folder: string): Promise<InsideRoot> {
    return new InsideRoot(await open(folder, DIRECTORY));
  }

  close(): Promise<void> {
    return this.root.close();
  }

  /** The root of a part of this file system, such as a btrfs subvolume; no link is followed on the way. */
  async enter(path: string): Promise<InsideRoot> {
    const trail = await this.#walk(path, { noLinks: true });
    try {
      return await InsideRoot.open(within(trail.here, '.'));
    } finally {
      await trail.close();
    }
  }

  /** Where a path really leads, links resolved; it need not be there. */
  async resolve(path: string): Promise<string> {
    try {
      const trail = await this.#walk(path, {});
      const real = trail.path;
      await trail.close();
      return real;
    } catch (error) {
      const { leadsTo } = error as { leadsTo?: string };
      if (codeOf(error) !== 'ENOENT' || leadsTo === undefined) throw error;
      return leadsTo;
    }
  }

  /** Whether there is a regular file (or, with `directory`, a folder). */
  async has(path: string, kind: 'file' | 'directory'): Promise<boolean> {
    try {
      if (kind === 'file') return (await this.read(path, 0)) !== undefined;
      await (await this.#walk(path, {})).close();
      return true;
    } catch (error) {
      if (NOT_THERE.includes(codeOf(error))) return false;
      throw error;
    }
  }

  /** The first `maxBytes` of a regular file; undefined when there is none. */
  async read(path: string, maxBytes: number): Promise<Buffer | undefined> {
    let handle: FileHandle | undefined;
    try {
      handle = await this.#openFile(path, 0);
      const stats = await handle.stat();
      if (!stats.isFile()) return undefined;
      const bytes = Buffer.alloc(Math.min(maxBytes, stats.size));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
      return bytes.subarray(0, bytesRead);
    } catch (error) {
      // ENXIO, EACCES: a socket, and a device on a file system that is mounted without devices.
      if ([...NOT_THERE, 'ENXIO', 'EACCES'].includes(codeOf(error))) return undefined;
      throw error;
    } finally {
      await handle?.close();
    }
  }

  /** Puts new files into a folder, in place of whatever had their names, and gets them onto the medium. */
  async write(folder: string, files: ReadonlyMap<string, Buffer>, mode: number, walk: Walk = {}): Promise<void> {
    const trail = await this.#walk(folder, { ...walk, create: true });
    const written: FileHandle[] = [];
    try {
      for (const [name, bytes] of files) {
        await removeIn(trail.here, name);
        const file = await open(within(trail.here, name), CREATE, mode);
        written.push(file);
        await file.writeFile(bytes);
        await file.chmod(mode);
      }
      // Together, so that one commit of the journal does for all.
      await Promise.all([...written, trail.here].map((handle) => handle.sync()));
    } finally {
      for (const file of written) await file.close();
      await trail.close();
    }
  }

  /** Removes files or links from a folder; what is not there is fine. */
  async remove(folder: string, names: readonly string[], walk: Walk = {}): Promise<void> {
    if (!(await this.has(folder, 'directory'))) return;
    const trail = await this.#walk(folder, walk);
    try {
      for (const name of names) await removeIn(trail.here, name);
    } finally {
      await trail.close();
    }
  }

  async #openFile(path: string, links: number): Promise<FileHandle> {
    if (links > MAX_LINKS) throw fail('ELOOP', path, 'too many links');
    const cut = path.lastIndexOf('/');
    const [folder, name] = [path.slice(0, cut), path.slice(cut + 1)];
    // A link to a folder is no file, and `..` of the root would be outside.
    if (['', '.', '..'].includes(name)) throw fail('ENOENT', path, 'is a folder');
    const trail = await this.#walk(folder, {});
    try {
      return await open(within(trail.here, name), READ);
    } catch (error) {
      if (codeOf(error) !== 'ELOOP') throw error;
      const target = await readlink(within(trail.here, name));
      const next = target.startsWith('/') ? target : `${trail.path}/${target}`;
      return await this.#openFile(next, links + 1);
    } finally {
      await trail.close();
    }
  }

  async #walk(path: string, walk: Walk): Promise<Trail> {
    const trail = new Trail(this.root);
    const pending = path.split('/');
    let links = 0;
    try {
      for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
        if (name === '' || name === '.') continue;
        if (name === '..') {
          await trail.leave();
          continue;
        }
        const target = await step(trail, name, pending, walk);
        if (target === undefined) continue;
        links += 1;
        if (links > MAX_LINKS) throw fail('ELOOP', path, 'too many links');
        if (walk.noLinks) throw fail('ELOOP', path, `${name} is a link`);
        if (target.startsWith('/')) await trail.close();
        pending.unshift(...target.split('/'));
      }
      return trail;
    } catch (error) {
      await trail.close();
      throw error;
    }
  }
}

/** Enters a folder; returns where it points to when it is a link instead. `pending` is what comes after it. */
async function step(trail: Trail, name: string, pending: readonly string[], walk: Walk): Promise<string | undefined> {
  const path = within(trail.here, name);
  try {
    trail.enter(name, await open(path, DIRECTORY));
    return undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && walk.create) {
      await mkdir(path, 0o755);
      trail.enter(name, await open(path, DIRECTORY));
      return undefined;
    }
    if (codeOf(error) === 'ENOTDIR' || codeOf(error) === 'ELOOP') return linkAt(path, posix.join(trail.path, name));
    throw Object.assign(error as Error, { leadsTo: posix.join(trail.path, name, ...pending) });
  }
}

async function linkAt(path: string, shown: string): Promise<string> {
  try {
    return await readlink(path);
  } catch (error) {
    if (codeOf(error) !== 'EINVAL') throw error;
    throw fail('ENOTDIR', shown, 'is not a folder');
  }
}

async function removeIn(folder: FileHandle, name: string): Promise<void> {
  try {
    await unlink(within(folder, name));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
