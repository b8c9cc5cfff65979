import { MARGIN_BYTES } from '@bty/image-format';
import type { ProvisioningMode } from '@bty/wire-types';
import type { ImageFacts } from '../images/image-facts.js';
import { humanBytes } from '../screen/render.js';
import { contentLines, diskTitle, imageLines, under } from './describe.js';
import type { NamedTarget } from './named-target.js';

/** What a flash would do to a disk. Sizes in bytes; absent is what only the whole image would tell. */
export interface PlannedChanges {
  partitions_removed: NamedTarget['content']['partitions'];
  partitions_added: ImageFacts['partitions'];
  /** From the start of the disk. */
  overwritten_bytes?: number;
  /** Between the end of the image and the last MiB of the disk. */
  untouched_bytes?: number;
  /** The last MiB of the disk, as far as it lies beyond the image. */
  wiped_bytes?: number;
  provisioning: ProvisioningMode;
}

/** What a flash of an image would change on a disk. */
export function plannedChanges(
  image: ImageFacts,
  { disk, content }: NamedTarget,
  provisioning: ProvisioningMode,
): PlannedChanges {
  const lists = { partitions_removed: content.partitions, partitions_added: image.partitions, provisioning };
  const size = image.content_size_bytes;
  if (size === undefined || size > disk.size_bytes) return lists;
  const wipedFrom = Math.max(size, disk.size_bytes - MARGIN_BYTES);
  return {
    ...lists,
    overwritten_bytes: size,
    untouched_bytes: wipedFrom - size,
    wiped_bytes: disk.size_bytes - wipedFrom,
  };
}

function changeLines(changes: PlannedChanges): string[] {
  const { overwritten_bytes: overwritten, untouched_bytes: untouched = 0 } = changes;
  const removed = changes.partitions_removed.length;
  return [
    removed === 0 ? 'no partition is lost' : `${removed} partition${removed === 1 ? ' is' : 's are'} lost`,
    overwritten === undefined
      ? 'overwritten from the start, as far as the image goes'
      : `the first ${humanBytes(overwritten)} become the image`,
    ...(untouched === 0 ? [] : [`the ${humanBytes(untouched)} after it stay as they are`]),
    ...((changes.wiped_bytes ?? 0) === 0 ? [] : ['the last MiB is wiped, the backup of a GPT moves there']),
    changes.provisioning === 'none' ? 'nothing is provisioned' : `provisioned by ${changes.provisioning}`,
  ];
}

/** All that speaks against it, for a person; no line when nothing does. */
export function objectionLines({ objections }: NamedTarget): string[] {
  return objections.length === 0
    ? []
    : under(
        'Refused',
        objections.map(({ message }) => `* ${message}`),
      );
}

/** What a flash would do, for a person: which disk, what is on it, what becomes of it. */
export function planLines(image: ImageFacts, target: NamedTarget, changes: PlannedChanges): string[] {
  return [
    ...under('Image', imageLines(image)),
    ...under('Disk', [diskTitle(target.disk)]),
    ...under('On it now', contentLines(target.content)),
    ...under('Changes', changeLines(changes)),
  ];
}
