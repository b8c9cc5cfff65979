import type { FlashJob } from './api.ts';

/** The stages of a job with the time of their first mention. */
export function stagesEntered({ history }: FlashJob): { at: string; stage: string }[] {
  const first = new Map<string, string>();
  for (const { at, stage } of history) if (stage && !first.has(stage)) first.set(stage, at);
  return [...first].map(([stage, at]) => ({ stage, at }));
}

/** How many seconds a job worked on the flashed disk before it made it bootable; undefined when it had nothing to do there. */
export function provisioningSeconds(job: FlashJob): number | undefined {
  const stages = stagesEntered(job);
  const began = stages.findIndex(({ stage }) => stage === 'provisioning');
  const [from, to] = [stages[began], stages[began + 1]];
  return from && to && (Date.parse(to.at) - Date.parse(from.at)) / 1000;
}
