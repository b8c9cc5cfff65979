import { BtyError, type NoCloudSeed, type VerifyMode } from '@bty/wire-types';
import { findRoot, partTitle, type Search } from './find-root.js';
import { InsideRoot } from './inside-root.js';
import { whileMounted } from './mount-volume.js';
import type { ProvisionWork } from './provision.js';
import { type SeedPlace, seedPlace } from './seed-place.js';
import type { Volume } from './volume.js';

/** A seed, and whether to read it back. */
export interface SeedOrder {
  seed: NoCloudSeed;
  verify: VerifyMode;
}

const SEED_MODE = 0o600;
const FILE_NAMES = ['meta-data', 'user-data', 'network-config', 'vendor-data'] as const;
/** Both are read by cloud-init, the first one before the second; ours is the second, and the only one that stays. */
const FOREIGN_SEED = 'nocloud';
const OWN_SEED = 'nocloud-net';

/** The files of a seed by their names on the disk. */
export function seedFileMap(seed: NoCloudSeed): ReadonlyMap<string, Buffer> {
  const { meta_data, user_data, network_config, vendor_data } = seed;
  const texts = {
    'meta-data': meta_data,
    'user-data': user_data,
    'network-config': network_config,
    'vendor-data': vendor_data,
  };
  return new Map(
    Object.entries(texts).flatMap(([name, text]) => (text === undefined ? [] : [[name, Buffer.from(text)]])),
  );
}

async function writeSeed(place: SeedPlace, seed: NoCloudSeed, search: Search): Promise<void> {
  const { part, folder, noLinks } = place;
  await whileMounted(search.diskPath, part, search.folder, 'write', search.run, async () => {
    const root = await InsideRoot.open(search.folder);
    try {
      await root.remove(`${folder}/${FOREIGN_SEED}`, FILE_NAMES, { noLinks });
      await root.remove(`${folder}/${OWN_SEED}`, FILE_NAMES, { noLinks });
      await root.write(`${folder}/${OWN_SEED}`, seedFileMap(seed), SEED_MODE, { noLinks });
    } finally {
      await root.close();
    }
  });
}

/** Reads the files again from the medium: the file system was unmounted since, and nothing of it is cached. */
async function checkSeed(place: SeedPlace, seed: NoCloudSeed, search: Search): Promise<void> {
  await whileMounted(search.diskPath, place.part, search.folder, 'look', search.run, async () => {
    const root = await InsideRoot.open(search.folder);
    try {
      for (const [name, bytes] of seedFileMap(seed)) {
        const path = `${place.folder}/${OWN_SEED}/${name}`;
        const found = await root.read(path, bytes.length + 1);
        if (found?.equals(bytes) !== true) {
          throw new BtyError('VERIFY_MISMATCH', `${path} on ${search.diskPath} does not give back what was written`);
        }
      }
    } finally {
      await root.close();
    }
  });
}

async function putSeed(
  order: SeedOrder,
  volumes: readonly Volume[],
  search: Search,
  signal: AbortSignal,
): Promise<void> {
  const laps = [performance.now()];
  const root = await findRoot(volumes, search, signal);
  if (!root.hasCloudInit) {
    throw new BtyError(
      'CLOUD_INIT_MISSING',
      `the system on ${partTitle(root)} has no cloud-init: its seed would be ignored`,
    );
  }
  const place = await seedPlace(root, volumes, search);
  signal.throwIfAborted();
  laps.push(performance.now());
  await writeSeed(place, order.seed, search);
  signal.throwIfAborted();
  laps.push(performance.now());
  if (order.verify !== 'off') await checkSeed(place, order.seed, search);
  laps.push(performance.now());
  const [found, written, checked] = laps.slice(1).map((at, index) => Math.round(at - (laps[index] ?? 0)));
  search.log(
    `cloud-init's seed ${order.seed.instance_id} is in ${place.folder}/${OWN_SEED} of ${partTitle(place.part)}: ` +
      `${found} ms to find it, ${written} ms to write, ${checked} ms to read back`,
  );
}

/** Writes the seed of an order. The work throws `ROOT_NOT_FOUND`, `CLOUD_INIT_MISSING`, `PROVISIONING_FAILED`, `VERIFY_MISMATCH`. */
export function seedWork(order: SeedOrder): ProvisionWork {
  return (volumes, search, signal) => putSeed(order, volumes, search, signal);
}
