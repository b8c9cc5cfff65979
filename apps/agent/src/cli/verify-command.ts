import type { ByteRange } from '@bty/image-format';
import { BtyError, toBtyError } from '@bty/wire-types';
import type { DiskCheck } from '../engine/differences.js';
import { checkOpenImage } from '../flash-image.js';
import { humanBytes } from '../screen/render.js';
import { openImage } from '../source/open-image.js';
import { MACHINE_ROOTS } from '../target/machine-roots.js';
import { openForReading } from '../target/open-target.js';
import { envelope, failureView } from './envelope.js';
import type { CommandPorts } from './flash-command.js';
import { lookAtTarget } from './named-target.js';

/** Flags of `bty verify`, as given. */
export interface VerifyFlags {
  image: string;
  target: string;
  sha256?: string;
  json?: true;
}

// A disk may differ in a million places; nobody reads them all.
const MAX_RANGES = 1000;

const rangeView = ({ offsetBytes, lengthBytes }: ByteRange) => ({
  offset_bytes: offsetBytes,
  length_bytes: lengthBytes,
});

function checkView(check: DiskCheck): Record<string, unknown> {
  return {
    equal: check.differingBytes === 0,
    compared_bytes: check.comparedBytes,
    differing_bytes: check.differingBytes,
    differing_share: check.differingBytes / check.comparedBytes,
    ranges: check.ranges.slice(0, MAX_RANGES).map(rangeView),
    ranges_left_off: Math.max(0, check.ranges.length - MAX_RANGES),
    partitions: check.partitions.map(({ number, name, differingBytes, ...range }) => ({
      number,
      ...(name === undefined ? {} : { name }),
      ...rangeView(range),
      differing_bytes: differingBytes,
    })),
    differing_bytes_outside_partitions: check.outsideBytes,
  };
}

function sentence(check: DiskCheck, path: string): string {
  if (check.differingBytes === 0) return `${path} is equal to the image: ${humanBytes(check.comparedBytes)} compared`;
  const places = check.partitions.map(
    ({ number, name, differingBytes }) =>
      `partition ${number}${name === undefined ? '' : ` (${name})`}: ${humanBytes(differingBytes)}`,
  );
  if (check.outsideBytes > 0) places.push(`outside the partitions: ${humanBytes(check.outsideBytes)}`);
  const share = ((check.differingBytes / check.comparedBytes) * 100).toFixed(2);
  const amount = `${humanBytes(check.differingBytes)} of ${humanBytes(check.comparedBytes)} (${share} %)`;
  return `${path} differs from the image in ${amount}, in ${check.ranges.length} places; ${places.join(', ')}`;
}

async function compare(flags: VerifyFlags, ports: CommandPorts): Promise<DiskCheck> {
  const log = (line: string): void => ports.stderr(`${line}\n`);
  const image = await openImage(flags.image, flags.sha256?.toLowerCase(), log, ports.stop);
  const disk = await lookAtTarget(MACHINE_ROOTS, flags.target);
  const neededBytes = image.kind === 'packed' ? image.fetched.map.contentBytes : (image.contentBytes ?? 0);
  if (disk.size_bytes < neededBytes) {
    const message = `${disk.path} has ${disk.size_bytes} bytes, the image ${neededBytes}: it cannot be on it`;
    throw new BtyError('TARGET_TOO_SMALL', message, { details: { path: disk.path } });
  }
  const target = await openForReading(MACHINE_ROOTS, disk);
  try {
    return await checkOpenImage(image, target, { onProgress: () => undefined, log }, ports.stop);
  } finally {
    await target.close();
  }
}

/** Carries out `bty verify`: says whether the disk is equal to the image. Throws a BtyError when it could not look. */
export async function verifyCommand(flags: VerifyFlags, ports: CommandPorts): Promise<boolean> {
  try {
    const check = await compare(flags, ports);
    if (flags.json === true) {
      ports.stdout(`${envelope('verify', { image: flags.image, target: flags.target, ...checkView(check) })}\n`);
    } else ports.stdout(`${sentence(check, flags.target)}\n`);
    return check.differingBytes === 0;
  } catch (thrown) {
    const error = toBtyError(thrown);
    if (flags.json === true) ports.stdout(`${envelope('verify', { error: failureView(error) })}\n`);
    throw error;
  }
}
