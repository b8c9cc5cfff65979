import { BtyError } from '@bty/wire-types';
import { checkFindings, checkSentence } from '../check-findings.js';
import { systemClock } from '../clock/clock.js';
import type { DiskCheck } from '../engine/differences.js';
import { checkOpenImage } from '../flash-image.js';
import { imageRootOf, resolveImage } from '../images/image-root.js';
import { imageAccessFor } from '../remote/access.js';
import { openImage } from '../source/open-image.js';
import { MACHINE_ROOTS } from '../target/machine-roots.js';
import { openForReading } from '../target/open-target.js';
import { type CommandPorts, disksLookedAt, parseDigest } from './command-ports.js';
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

async function compare(flags: VerifyFlags, ports: CommandPorts): Promise<DiskCheck> {
  const log = (line: string): void => ports.stderr(`${line}\n`);
  const sha256 = parseDigest(flags.sha256);
  const source = await resolveImage(flags.image, imageRootOf(flags.imageRoot, ports.environment));
  const access = await imageAccessFor(source, ports.environment);
  const image = await openImage(source, sha256, { access, onRetry: log }, ports.stop);
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
    const found = checkFindings(await compare(flags, ports), MAX_RANGES);
    const document = { image: flags.image, target: flags.target, ...found };
    ports.stdout(`${flags.json === true ? envelope('verify', document) : checkSentence(found, flags.target)}\n`);
    return found.equal;
  });
}
