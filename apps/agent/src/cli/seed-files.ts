import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { BtyError, type NoCloudSeed, SEED_LIMITS, type SeedTextName } from '@bty/wire-types';

/** Paths of the files of a seed, by the flags that name them. */
export interface SeedFlags {
  userData?: string;
  metaData?: string;
  networkConfig?: string;
  vendorData?: string;
}

/** A text of a seed. Throws `NOT_FOUND` or `INVALID_REQUEST`. */
async function readText(path: string, name: SeedTextName): Promise<string> {
  const bytes = Buffer.alloc(SEED_LIMITS[name] + 1);
  try {
    const handle = await open(path, 'r');
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0).finally(() => handle.close());
    if (bytesRead < bytes.length) return bytes.toString('utf8', 0, bytesRead);
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code;
    const code = errno === 'ENOENT' ? 'NOT_FOUND' : 'INVALID_REQUEST';
    throw new BtyError(code, `${path} cannot be read: ${errno}`, { cause, details: { path, errno } });
  }
  throw new BtyError('INVALID_REQUEST', `${path} has more than ${SEED_LIMITS[name]} bytes`, { details: { path } });
}

/**
 * Reads the files of a seed. Without meta-data the seed gets a new instance, so that cloud-init does its first-boot work
 * again. Throws `NOT_FOUND` or `INVALID_REQUEST`.
 */
export async function readSeedFiles(userDataPath: string, flags: SeedFlags): Promise<NoCloudSeed> {
  const given = flags.metaData === undefined ? undefined : await readText(flags.metaData, 'meta_data');
  const fresh = `bty-${randomUUID()}`;
  const instance_id = given === undefined ? fresh : /^instance-id:\s*(\S+)/m.exec(given)?.[1];
  if (instance_id === undefined) {
    const message = `${flags.metaData} has no instance-id; without --meta-data there is a new one for every flash`;
    throw new BtyError('INVALID_REQUEST', message);
  }
  const { networkConfig, vendorData } = flags;
  return {
    instance_id,
    meta_data: given ?? `instance-id: ${fresh}\n`,
    user_data: await readText(userDataPath, 'user_data'),
    ...(networkConfig === undefined ? {} : { network_config: await readText(networkConfig, 'network_config') }),
    ...(vendorData === undefined ? {} : { vendor_data: await readText(vendorData, 'vendor_data') }),
  };
}
