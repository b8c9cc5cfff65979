/** The budget for flashes that fetch images at the same time. 0 is no limit. */
export interface FlashBudget {
  readonly maxFlashes: number;
  /** MiB per second that the server has for flashes. */
  readonly flashBandwidthMib: number;
  /** MiB per second that each of them is to have at least. */
  readonly flashMinRateMib: number;
}

/** How many flashes may fetch images at once, at least one: what the count allows, and what the bandwidth feeds. */
export function flashSlots(budget: FlashBudget): number {
  const { maxFlashes, flashBandwidthMib, flashMinRateMib } = budget;
  const byCount = maxFlashes === 0 ? Number.POSITIVE_INFINITY : maxFlashes;
  const byBandwidth =
    flashBandwidthMib === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(flashBandwidthMib / flashMinRateMib));
  return Math.min(byCount, byBandwidth);
}
