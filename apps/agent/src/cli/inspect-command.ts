import { imageFacts } from '../images/image-facts.js';
import { imageRootOf, resolveImage } from '../images/image-root.js';
import { imageAccessFor } from '../remote/access.js';
import { openImage } from '../source/open-image.js';
import { type CommandPorts, parseDigest } from './command-ports.js';
import { imageLines } from './describe.js';
import { envelope, orTellFailure } from './envelope.js';

/** Flags of `bty inspect image`, as given. */
export interface InspectFlags {
  imageRoot?: string;
  sha256?: string;
  json?: true;
}

/** Carries out `bty inspect image`: what is known of an image, with its digest checked when one is given. */
export function inspectImageCommand(named: string, flags: InspectFlags, ports: CommandPorts): Promise<void> {
  const onRetry = (reason: string): void => ports.stderr(`${reason}\n`);
  return orTellFailure('inspect-image', flags, ports, async () => {
    const sha256 = parseDigest(flags.sha256);
    const source = await resolveImage(named, imageRootOf(flags.imageRoot, ports.environment));
    const access = await imageAccessFor(source, ports.environment);
    const image = await openImage(source, sha256, { access, onRetry }, ports.stop);
    const facts = await imageFacts(image, source, onRetry, ports.stop).finally(() =>
      image.kind === 'content' ? image.close() : undefined,
    );
    ports.stdout(
      `${flags.json === true ? envelope('inspect-image', { image: facts }) : imageLines(facts).join('\n')}\n`,
    );
  });
}
