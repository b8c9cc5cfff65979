import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatOfName } from '@bty/image-format';
import { BtyError, type ImageFormat, toBtyError } from '@bty/wire-types';
import { NO_ACCESS } from '../source/image-access.js';
import { openImage } from '../source/open-image.js';

const DEFAULT_IMAGE_ROOT = '/var/lib/bty/images';

/** An image file at the top of an image root. */
export interface ListedImage {
  name: string;
  path: string;
  format: ImageFormat;
  size_bytes: number;
  /** Of the disk that it holds, where its head tells. */
  content_size_bytes?: number;
  /** Why it cannot be flashed. */
  problem?: string;
}

/** Where images are looked for: a flag wins over `BTY_IMAGE_ROOT`, that over the default. */
export function imageRootOf(
  flag: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  return flag ?? (environment.BTY_IMAGE_ROOT || DEFAULT_IMAGE_ROOT);
}

async function describeImage(path: string, name: string, signal: AbortSignal): Promise<ListedImage | undefined> {
  const format = formatOfName(name);
  if (format === undefined) return undefined;
  const { size } = await stat(path);
  const listed = { name, path, format, size_bytes: size };
  try {
    const image = await openImage(path, undefined, { access: NO_ACCESS, onRetry: () => undefined }, signal);
    if (image.kind !== 'content') return listed;
    await image.close();
    return image.contentBytes === undefined ? listed : { ...listed, content_size_bytes: image.contentBytes };
  } catch (error) {
    signal.throwIfAborted();
    return { ...listed, problem: toBtyError(error).message };
  }
}

/** The names of regular files at the top of a folder that end like an image's, sorted; none when it is not there. */
export async function imageNames(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    const details = { path: root, errno: cause.code };
    throw new BtyError('INVALID_REQUEST', `the image root ${root} cannot be read: ${cause.code}`, { cause, details });
  });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  return files.filter((name) => formatOfName(name) !== undefined).sort();
}

/**
 * The regular files at the top of an image root whose names end like an image's, by name. Content that disagrees with the
 * name is listed with its problem. A root that is not there is empty; one that cannot be read throws.
 */
export async function listImages(root: string, signal: AbortSignal): Promise<ListedImage[]> {
  const images: ListedImage[] = [];
  for (const name of await imageNames(root)) {
    const image = await describeImage(join(root, name), name, signal);
    if (image !== undefined) images.push(image);
  }
  return images;
}

/** The image that somebody means: a URL or a path as it is; a bare name that is no file here, in the image root. */
export async function resolveImage(named: string, root: string): Promise<string> {
  if (named.includes('/')) return named;
  const inRoot = join(root, named);
  const isThere = (path: string): Promise<boolean> =>
    stat(path).then(
      () => true,
      () => false,
    );
  return (await isThere(named)) || !(await isThere(inRoot)) ? named : inRoot;
}
