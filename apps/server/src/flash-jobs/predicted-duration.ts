/** Which earlier flashes a prediction is made from: the best that there are. */
export const PREDICTION_BASES = ['machine-and-image', 'machine', 'image'] as const;
export type PredictionBasis = (typeof PREDICTION_BASES)[number];

/** An earlier flash that has succeeded: how long it took from its hand-out, and what of. */
export interface EarlierFlash {
  readonly mac: string;
  readonly imageSha256: string | null;
  /** Length of the raw disk in bytes. */
  readonly contentSizeBytes: number | null;
  readonly durationMs: number;
}

export interface Prediction {
  readonly predictedMs: number;
  readonly predictedFrom: PredictionBasis;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}

/**
 * How long a flash will take: the median of the earlier flashes of this image on this machine; else of other images on
 * this machine, in proportion to their length; else of this image on other machines. Undefined without any.
 */
export function predictDuration(
  job: { mac: string; imageSha256: string | null; contentSizeBytes: number | null },
  earlier: readonly EarlierFlash[],
): Prediction | undefined {
  const own = earlier.filter(({ mac }) => mac === job.mac);
  const sameImage = (flash: EarlierFlash) => job.imageSha256 !== null && flash.imageSha256 === job.imageSha256;
  const scaled = own.flatMap(({ durationMs, contentSizeBytes }) =>
    contentSizeBytes && job.contentSizeBytes ? [(durationMs / contentSizeBytes) * job.contentSizeBytes] : [],
  );
  const candidates: readonly [PredictionBasis, readonly number[]][] = [
    ['machine-and-image', own.filter(sameImage).map(({ durationMs }) => durationMs)],
    ['machine', scaled],
    ['image', earlier.filter(sameImage).map(({ durationMs }) => durationMs)],
  ];
  const best = candidates.find(([, durations]) => durations.length > 0);
  return best === undefined ? undefined : { predictedFrom: best[0], predictedMs: Math.round(median(best[1])) };
}
