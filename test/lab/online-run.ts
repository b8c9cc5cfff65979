/** A run of a workflow as somebody follows it who watches its log. */
import type { Run } from './api.ts';
import type { Served } from './lab.ts';
import { eventually } from './process.ts';

/** A line that is nothing but a time, `date +%s%3N` on the machine, and when it was here. */
export interface Stamp {
  readonly printedAt: number;
  readonly arrivedAt: number;
}

export interface FollowedRun {
  readonly run: Run;
  readonly log: string[];
  readonly stamps: Stamp[];
  /** From the beginning of the workflow to its success, as its log tells; NaN when it had none. */
  readonly workflowSeconds: number;
}

const TIME_LINE = /^\d{13}$/;
const ACTIVE = ['queued', 'waiting', 'running'];

/** The machine's newest run other than `known`, as soon as there is one. */
export function newRun(lab: Served, mac: string, known?: string): Promise<Run> {
  return eventually(`${mac} has a run`, 60_000, async () => {
    const [newest] = await lab.api.runs(mac);
    return newest?.id !== known && newest;
  });
}

/** Follows the log of a run to its end. */
export async function followRun(
  lab: Served,
  id: string,
  onLine: (line: string) => void = () => {},
): Promise<FollowedRun> {
  const log: string[] = [];
  const stamps: Stamp[] = [];
  const at = { begun: Number.NaN, succeeded: Number.NaN };
  for await (const line of lab.api.runLog(id)) {
    if (TIME_LINE.test(line)) stamps.push({ printedAt: Number(line), arrivedAt: Date.now() });
    if (line.startsWith('bty: starts workflow')) at.begun = Date.now();
    if (line.startsWith('bty: the workflow has succeeded')) at.succeeded = Date.now();
    log.push(line);
    onLine(line);
  }
  const run = await lab.api.run(id);
  if (ACTIVE.includes(run.state)) throw new Error(`the log of run ${id} has ended, and it is ${run.state}`);
  return { run, log, stamps, workflowSeconds: (at.succeeded - at.begun) / 1000 };
}

/** How long the slowest time line took to get here, given how far the machine's clock is ahead. */
export function worstLatencyMs(stamps: readonly Stamp[], aheadMs: number): number {
  return Math.max(...stamps.map(({ printedAt, arrivedAt }) => arrivedAt - (printedAt - aheadMs)));
}
