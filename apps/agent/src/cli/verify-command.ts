import type { ByteRange } from '@bty/image-format';
import { BtyError } from '@bty/wire-types';
import { systemClock } from '../clock/clock.js';
import type { DiskCheck } from '../engine/differences.js';
import { checkOpenImage } from '../flash-image.js';
import { imageRootOf, resolveImage } from '../images/image-root.js';
import { humanBytes } from '../screen/render.js';
import { openImage } from '../source/open-image.js';
import { MACHINE_ROOTS } from '../target/machine-roots.js';
import { openForReading } from '../target/open-target.js';
import { type CommandPorts, disksLookedAt } from './command-ports.js';
import { envelope, orTellFailure } from './envelope.js';
import { lookForReading } from './named-target.js';
import { silentView, textView } from './progress-view.js';

/** Flags of `bty verify`, as given. */
export interface VerifyFlags {
  image: string;
  imageRoot?: string;
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
  const source = await resolveImage(flags.image, imageRootOf(flags.imageRoot, ports.environment));
  const image = await openImage(source, flags.sha256?.toLowerCase(), log, ports.stop);
  const disk = await lookForReading(MACHINE_ROOTS, flags.target, disksLookedAt(ports.environment));
  const neededBytes = image.kind === 'packed' ? image.fetched.map.contentBytes : (image.contentBytes ?? 0);
  if (disk.size_bytes < neededBytes) {
    const message = `${disk.path} has ${disk.size_bytes} bytes, the image ${neededBytes}: it cannot be on it`;
    throw new BtyError('TARGET_TOO_SMALL', message, { details: { path: disk.path } });
  }
  const target = await openForReading(MACHINE_ROOTS, disk);
  try {
    const view = ports.terminal ? textView(ports.stderr, true, systemClock) : silentView;
    view.stage('comparing');
    return await checkOpenImage(image, target, { onProgress: view.progress, log }, ports.stop);
  } finally {
    await target.close();
  }
}

/** Carries out `bty verify`: says whether the disk is equal to the image. Throws a BtyError when it could not look. */
export function verifyCommand(flags: VerifyFlags, ports: CommandPorts): Promise<boolean> {
  return orTellFailure('verify', flags, ports, async () => {
    const check = await compare(flags, ports);
    const document = { image: flags.image, target: flags.target, ...checkView(check) };
    ports.stdout(`${flags.json === true ? envelope('verify', document) : sentence(check, flags.target)}\n`);
    return check.differingBytes === 0;
  });
}
