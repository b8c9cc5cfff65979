import type { ByteRange } from '@bty/image-format';
import { CHECK_LIMITS, type CheckResult } from '@bty/wire-types';
import type { DiskCheck } from './engine/differences.js';
import { humanBytes } from './screen/render.js';

const rangeView = ({ offsetBytes, lengthBytes }: ByteRange) => ({
  offset_bytes: offsetBytes,
  length_bytes: lengthBytes,
});

/** Names come from the image; a message has room for so much of one, and a terminal must not obey it. */
function nameView(name: string | undefined): { name?: string } {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const text = name?.replace(/[\x00-\x1f\x7f]/g, '?').slice(0, CHECK_LIMITS.nameChars);
  return text === undefined ? {} : { name: text };
}

/** What a check found, as the API and `bty verify --json` tell it: at most so many ranges. */
export function checkFindings(check: DiskCheck, maxRanges: number): Omit<CheckResult, 'target' | 'duration_ms'> {
  return {
    equal: check.differingBytes === 0,
    compared_bytes: check.comparedBytes,
    differing_bytes: check.differingBytes,
    differing_share: check.differingBytes / check.comparedBytes,
    ranges: check.ranges.slice(0, maxRanges).map(rangeView),
    ranges_left_off: Math.max(0, check.ranges.length - maxRanges),
    partitions: check.partitions
      .slice(0, CHECK_LIMITS.partitions)
      .map(({ number, name, differingBytes, ...range }) => ({
        number,
        ...nameView(name),
        ...rangeView(range),
        differing_bytes: differingBytes,
      })),
    differing_bytes_outside_partitions: check.outsideBytes,
  };
}

/** The same for a person, in one sentence. */
export function checkSentence(found: ReturnType<typeof checkFindings>, path: string): string {
  const { compared_bytes: compared, differing_bytes: differing } = found;
  if (found.equal) return `${path} is equal to the image: ${humanBytes(compared)} compared`;
  const places = found.partitions.map(
    ({ number, name, differing_bytes: bytes }) =>
      `partition ${number}${name === undefined ? '' : ` (${name})`}: ${humanBytes(bytes)}`,
  );
  const outside = found.differing_bytes_outside_partitions;
  if (outside > 0) places.push(`outside the partitions: ${humanBytes(outside)}`);
  const share = (found.differing_share * 100).toFixed(2);
  const amount = `${humanBytes(differing)} of ${humanBytes(compared)} (${share} %)`;
  const count = found.ranges.length + found.ranges_left_off;
  return `${path} differs from the image in ${amount}, in ${count} place${count === 1 ? '' : 's'}; ${places.join(', ')}`;
}
