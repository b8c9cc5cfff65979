/** A thousand agents on one server, two hundred of them in the middle of a flash. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROTOCOL_LIMITS } from '@bty/wire-types';
import { FakeAgent } from '../../../apps/server/test/fake-agent.ts';
import { type Figure, judge, percentile } from './figures.ts';
import { type Fleet, macOf } from './fleet.ts';

const AGENTS = 1_000;
const FLASHING = 200;
const BOOTING_AT_ONCE = 10;
const MIB = 2 ** 20;
const SAMPLE_INTERVAL_MS = 1_000;
/** The caches and pools of a server fill up in this part of the time. */
const WARM_UP = 0.2;
/** What may be left in the second half of the rest beyond the first: the floors count, between which garbage comes and goes. */
const MAX_GROWTH_PERCENT = 10;
const FLOOR = 0.05;

interface Flash {
  readonly agent: FakeAgent;
  readonly job_id: string;
  readonly epoch: number;
  done: number;
}

/** Resident memory of a process, in MiB. */
function rssMib(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kib) * 1024) / MIB;
}

async function bootAll({ server }: Fleet): Promise<FakeAgent[]> {
  const agents: FakeAgent[] = [];
  for (let first = 0; first < AGENTS; first += BOOTING_AT_ONCE) {
    const macs = Array.from({ length: BOOTING_AT_ONCE }, (_, index) => macOf(first + index));
    // The machines are in the catalogue with policy local or flash: for these agents a person has booted them.
    await Promise.all(macs.map((mac) => server.put(`/machines/${mac}`, { image: 'bench.img', boot_policy: 'tui' })));
    agents.push(...(await Promise.all(macs.map((mac) => FakeAgent.boot(server, mac)))));
  }
  return agents;
}

async function startFlashes({ server }: Fleet, agents: readonly FakeAgent[]): Promise<Flash[]> {
  const flashes: Flash[] = [];
  for (const agent of agents.slice(0, FLASHING)) {
    await server.post('/flash-jobs', { mac: agent.mac });
    const { job_id, epoch } = await agent.receive('flash.start');
    await agent.report({ type: 'flash.stage', job_id, epoch, stage: 'writing' });
    flashes.push({ agent, job_id, epoch, done: 0 });
  }
  return flashes;
}

function tellProgress(flash: Flash): void {
  flash.done += MIB;
  const { job_id, epoch, done } = flash;
  const bytes = { bytes_done: done, bytes_total: 1e12, bytes_per_second: 4 * MIB };
  if (flash.agent.isOpen) flash.agent.send({ type: 'flash.progress', job_id, epoch, stage: 'writing', ...bytes });
}

/** Keeps all of them going for so many minutes. */
export async function measureAgents(fleet: Fleet, minutes: number, tell: (line: string) => void): Promise<Figure[]> {
  const agents = await bootAll(fleet);
  const flashes = await startFlashes(fleet, agents);
  tell(`${agents.length} agents are connected, ${flashes.length} of them flash`);
  const timers = flashes.map((flash) => setInterval(() => tellProgress(flash), PROTOCOL_LIMITS.progressIntervalMs));
  const samples: number[] = [];
  const until = Date.now() + minutes * 60_000;
  while (Date.now() < until) {
    await sleep(SAMPLE_INTERVAL_MS);
    samples.push(rssMib(fleet.server.pid));
  }
  for (const timer of timers) clearInterval(timer);
  const dropped = agents.filter((agent) => !agent.isOpen).length;
  const stale = await countStale(fleet, flashes);
  for (const agent of agents) agent.cut();
  return figuresOf(samples, { dropped, stale, minutes });
}

/** Flashes of whose last progress the server does not know, or which it has given up. */
async function countStale({ server }: Fleet, flashes: readonly Flash[]): Promise<number> {
  await sleep(3_000);
  let stale = 0;
  for (const { job_id, epoch, done } of flashes) {
    const { json } = await server.ask(`/flash-jobs/${job_id}`);
    if (json.state !== 'running' || json.epoch !== epoch || json.progress?.bytes_done !== done) stale += 1;
  }
  return stale;
}

function figuresOf(
  samples: readonly number[],
  { dropped, stale, minutes }: { dropped: number; stale: number; minutes: number },
): Figure[] {
  const settled = samples.slice(Math.floor(samples.length * WARM_UP));
  const half = Math.ceil(settled.length / 2);
  const first = percentile(settled.slice(0, half), FLOOR);
  const last = percentile(settled.slice(half), FLOOR);
  const growth = first === null || last === null ? null : (last / first - 1) * 100;
  const remark = `${minutes} min`;
  const among = `${AGENTS} agents with heartbeats, ${FLASHING} of them sending progress`;
  return [
    judge({
      name: 'agents-dropped',
      title: `connections lost of ${among}`,
      value: dropped,
      unit: 'agents',
      target: 0,
      is: 'at most',
      remark,
      problem: stale > 0 ? `the server does not know the last progress of ${stale} flashes` : undefined,
    }),
    judge({
      name: 'agents-rss',
      title: `largest resident memory of the server with ${among}`,
      value: percentile(samples, 1),
      unit: 'MiB',
      target: 400,
      is: 'at most',
      remark,
    }),
    judge({
      name: 'agents-rss-growth',
      title: 'what memory comes down to in the second half of the time, against the first, after warming up',
      value: growth,
      unit: '%',
      target: MAX_GROWTH_PERCENT,
      is: 'at most',
      remark: `${Math.round(first ?? 0)} to ${Math.round(last ?? 0)} MiB`,
    }),
  ];
}
