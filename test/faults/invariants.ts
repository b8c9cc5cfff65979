/** The one judge of all faults: what a server violates after one, as its API and its clients tell. */
import type { ServerUnderTest } from '../../apps/server/test/server-under-test.ts';
import { type Job, judgeEvents, judgeHistory, judgeLease, judgeMachine } from './history.ts';

const HEALTH_TIMEOUT_MS = 5_000;
/** Beyond the time without progress: the reconciler's interval, and a slow host. */
const LEASE_SLACK_MS = 20_000;

interface ShownJob extends Job {
  readonly dispatched_at: string | null;
  readonly progress: { readonly at: string } | null;
}

interface ShownEvent {
  readonly action: string;
}

/** What was promised while the fault was on. */
export interface Promises {
  /** Jobs whose order was answered with 201, or that an agent was given. */
  readonly jobIds: Iterable<string>;
  readonly noProgressTimeoutMs: number;
}

/** Sentences about broken invariants (I1, I2, I7, I8, I9); none when the fault was survived. */
export async function violations(server: ServerUnderTest, promises: Promises): Promise<string[]> {
  const found = await judgeHealth(server);
  const jobs: ShownJob[] = (await server.ask('/flash-jobs')).json;
  const known = new Set(jobs.map(({ id }) => id));
  for (const id of promises.jobIds) if (!known.has(id)) found.push(`I1: job ${id} was accepted and is gone`);
  for (const job of jobs) {
    const times = [job.dispatched_at, job.progress?.at ?? null].map((at) => (at === null ? 0 : Date.parse(at)));
    const limitMs = promises.noProgressTimeoutMs + LEASE_SLACK_MS;
    found.push(...judgeHistory(job), ...judgeLease(job, new Date(Math.max(...times)), new Date(), limitMs));
    found.push(...judgeEvents(job, await actions(server, `flash-job/${job.id}`)));
  }
  for (const [mac, ofMachine] of Map.groupBy(jobs, (job) => job.mac)) {
    found.push(...judgeMachine(ofMachine));
    const flashed = (await actions(server, `machine/${mac}`)).filter((action) => action === 'machine.flashed').length;
    const succeeded = ofMachine.filter(({ state }) => state === 'succeeded').length;
    if (flashed !== succeeded)
      found.push(`I8: ${mac} was flashed ${succeeded} times, and ${flashed} times by its events`);
  }
  return found;
}

async function judgeHealth(server: ServerUnderTest): Promise<string[]> {
  const began = Date.now();
  const health = await server.ask('/healthz');
  const ms = Date.now() - began;
  const ready = await server.ask('/readyz');
  return [
    ...(health.status === 200 && ms < HEALTH_TIMEOUT_MS ? [] : [`I7: /healthz says ${health.status} after ${ms} ms`]),
    ...(ready.status === 200 ? [] : [`I7: /readyz says ${ready.text} although nothing is missing`]),
  ];
}

/** Actions of a subject's events, oldest first. */
async function actions(server: ServerUnderTest, subject: string): Promise<string[]> {
  const events: ShownEvent[] = (await server.ask(`/events?subject=${subject}`)).json;
  return events.map(({ action }) => action).reverse();
}
