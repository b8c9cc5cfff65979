import { readFile } from 'node:fs/promises';

// A driver may refuse an attribute that it lists: a link that is down has no speed (EINVAL), a medium may be out (ENXIO).
const ABSENT = ['ENOENT', 'ENOTDIR', 'EINVAL', 'ENODEV', 'ENXIO', 'EOPNOTSUPP', 'EIO', 'EACCES'];

/** An attribute's bytes, or undefined when the kernel has none for this device. */
export async function readAttributeBytes(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (ABSENT.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** An attribute without surrounding blanks and NULs, or undefined when it is absent or empty. */
export async function readAttribute(path: string): Promise<string | undefined> {
  const text = (await readAttributeBytes(path))?.toString('utf8').replaceAll('\0', '').trim();
  return text === '' ? undefined : text;
}
