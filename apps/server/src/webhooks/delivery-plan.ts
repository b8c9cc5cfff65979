/** Seconds until the next attempt, after the first, second … that failed. After the last the delivery has failed. */
const PAUSES_SECONDS = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400] as const;

/** When to try again after so many attempts, or undefined when enough is enough. */
export function nextAttempt(attempts: number, now: Date): Date | undefined {
  const seconds = PAUSES_SECONDS[attempts - 1];
  return seconds === undefined ? undefined : new Date(now.getTime() + seconds * 1000);
}

/** Whether a webhook hears of an action: `flash-job.*` stands for all of that noun, an empty list for all there are. */
export function hears(actions: readonly string[], action: string): boolean {
  if (actions.length === 0) return true;
  return actions.some((one) => (one.endsWith('.*') ? action.startsWith(one.slice(0, -1)) : one === action));
}
