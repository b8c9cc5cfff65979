/** The figures of the server: what is measured, at which rate, and what it has to be. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SseReader } from '../../../apps/server/test/sse-reader.ts';
import { type Figure, judge, percentile } from './figures.ts';
import { type Fleet, MACHINES, macOf } from './fleet.ts';
import { applyLoad, type LoadRequest } from './load.ts';

/** How long each row takes. */
interface Durations {
  readonly seconds: number;
}

/** Measures one thing on a fleet. */
export interface ServerRow {
  readonly name: string;
  measure(fleet: Fleet, durations: Durations): Promise<Figure[]>;
}

interface LoadRow {
  readonly name: string;
  readonly title: string;
  readonly rate: number;
  readonly targetMs: number;
  next(fleet: Fleet): (index: number) => LoadRequest;
}

/** Every machine in turn, far apart, so that no two neighbours are asked for one after the other. */
const scattered = (index: number): string => macOf((index * 7919) % MACHINES);

const LOADS: readonly LoadRow[] = [
  {
    name: 'pxe-scripts',
    title: '300 PXE scripts a second, half of them with a boot token',
    rate: 300,
    targetMs: 100,
    next: () => (index) => ({ method: 'GET', path: `/pxe/${scattered(index)}`, expects: 200 }),
  },
  {
    name: 'api-reads',
    title: '500 reads a second: records, jobs, a machine’s jobs, a short page',
    rate: 500,
    targetMs: 100,
    next: ({ flashJobs }) => {
      const paths = [
        (index: number) => `/machines/${scattered(index)}`,
        (index: number) => `/flash-jobs/${flashJobs[index % flashJobs.length]}`,
        (index: number) => `/flash-jobs?mac=${scattered(index)}&limit=5`,
        (index: number) => `/machines?limit=10&after=${scattered(index)}`,
      ] as const;
      return (index) => ({ method: 'GET', path: (paths[index & 3] ?? paths[0])(index), expects: 200 });
    },
  },
  {
    name: 'job-posts',
    title: '200 flash jobs ordered a second, each with a key of its own',
    rate: 200,
    targetMs: 200,
    next: () => (index) => ({ method: 'POST', path: '/flash-jobs', body: { mac: scattered(index) }, expects: 201 }),
  },
  {
    name: 'machine-pages',
    title: `10 pages a second of 100 among ${MACHINES} machines, half of them by tag`,
    rate: 10,
    targetMs: 300,
    next: () => (index) => ({
      method: 'GET',
      path: `/machines?limit=100&${index % 2 === 0 ? `after=${scattered(index)}` : `tag=rack-${index % 100}`}`,
      expects: 200,
    }),
  },
];

async function measureLoad(row: LoadRow, fleet: Fleet, { seconds }: Durations): Promise<Figure[]> {
  const next = row.next(fleet);
  const busyBefore = fleet.busyMs();
  const { latencies, failures, perSecond } = await applyLoad(fleet.server, row.rate, seconds, next);
  const value = percentile(latencies, 0.99);
  const busy = (fleet.busyMs() - busyBefore) / Math.max(1, latencies.length);
  const [half, worst] = [percentile(latencies, 0.5), percentile(latencies, 1)];
  const remark = `${Math.round(perSecond)}/s, median ${Math.round(half ?? 0)} ms, worst ${Math.round(worst ?? 0)} ms, n=${latencies.length}, ${busy.toFixed(1)} ms of the server’s processor each`;
  const problem = failures.length > 0 ? `${failures.length} failed: ${failures[0]}` : undefined;
  const { name, title, targetMs } = row;
  return [judge({ name, title, value, unit: 'ms p99', target: targetMs, is: 'at most', remark, problem })];
}

/** From the request that changes a record until a reader has it, while other changes go on. */
async function measureEvents({ server }: Fleet, { seconds }: Durations): Promise<Figure[]> {
  const reader = await SseReader.open(server, '/events');
  await reader.take(({ event }) => event === 'ready');
  const delays: number[] = [];
  const rounds = Math.max(20, seconds * 3);
  for (let round = 0; round < rounds; round += 1) {
    const mac = macOf(round * 37);
    const began = Date.now();
    await server.put(`/machines/${mac}`, { image: 'bench.img', tags: [`round-${round}`] });
    const told = await reader.take(({ data }) => data.subject === `machine/${mac}`);
    delays.push(told.at - began);
    await sleep(50);
  }
  reader.close();
  const value = percentile(delays, 1);
  const remark = `median ${Math.round(percentile(delays, 0.5) ?? 0)} ms, n=${delays.length}`;
  const title = 'from the request that makes a change until a reader of /events has it, at most';
  return [judge({ name: 'event-delay', title, value, unit: 'ms', target: 500, is: 'at most', remark })];
}

export const ROWS: readonly ServerRow[] = [
  ...LOADS.map((row) => ({
    name: row.name,
    measure: (fleet: Fleet, durations: Durations) => measureLoad(row, fleet, durations),
  })),
  { name: 'event-delay', measure: measureEvents },
];
