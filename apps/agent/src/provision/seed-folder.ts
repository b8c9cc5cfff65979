import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { BtyError, type NoCloudSeed, SEED_LIMITS, type SeedTextName } from '@bty/wire-types';

/** A text of a seed by the name of its file; undefined when there is no such file. */
async function readText(folder: string, name: SeedTextName): Promise<string | undefined> {
  const path = join(folder, name.replace('_', '-'));
  const bytes = Buffer.alloc(SEED_LIMITS[name] + 1);
  try {
    const handle = await open(path, 'r');
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0).finally(() => handle.close());
    if (bytesRead === bytes.length) {
      throw new BtyError('INVALID_REQUEST', `${path} has more than ${SEED_LIMITS[name]} bytes`);
    }
    return bytes.toString('utf8', 0, bytesRead);
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code;
    if (errno === 'ENOENT') return undefined;
    if (cause instanceof BtyError) throw cause;
    throw new BtyError('INVALID_REQUEST', `${path} cannot be read: ${errno}`, { cause, details: { errno } });
  }
}

/**
 * Reads a seed from a folder with `user-data` and, if need be, `meta-data`, `network-config` and `vendor-data`. Without
 * `meta-data` the seed gets a new instance. Throws `INVALID_REQUEST`.
 */
export async function readSeedFolder(folder: string): Promise<NoCloudSeed> {
  const user_data = await readText(folder, 'user_data');
  if (user_data === undefined) throw new BtyError('INVALID_REQUEST', `there is no user-data in ${folder}`);
  const given = await readText(folder, 'meta_data');
  const fresh = `bty-${randomUUID()}`;
  const instance_id = given === undefined ? fresh : /^instance-id:\s*(\S+)/m.exec(given)?.[1];
  if (instance_id === undefined) {
    throw new BtyError(
      'INVALID_REQUEST',
      `the meta-data in ${folder} has no instance-id; without the file it gets a new one`,
    );
  }
  const network_config = await readText(folder, 'network_config');
  const vendor_data = await readText(folder, 'vendor_data');
  return {
    instance_id,
    meta_data: given ?? `instance-id: ${fresh}\n`,
    user_data,
    ...(network_config === undefined ? {} : { network_config }),
    ...(vendor_data === undefined ? {} : { vendor_data }),
  };
}
