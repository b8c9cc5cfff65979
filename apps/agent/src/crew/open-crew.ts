import { availableParallelism } from 'node:os';
import type { ImageMap } from '@bty/image-format';
import type { BlockTarget } from '../engine/block-target.js';
import { DeviceTarget } from '../engine/block-target-device.js';
import type { DigestTable } from '../engine/digest-table.js';
import { type RangedFile, RangedSource } from '../source/ranged-source.js';
import type { Crew, CrewPorts } from './crew.js';
import { InlineCrew } from './inline-crew.js';
import { JointCrew } from './joint-crew.js';
import { ThreadCrew } from './thread-crew.js';

declare const BTY_WORKER: string | undefined;

/** The program of the worker threads: beside the bundle's, and from sources that of the last build. */
const WORKER_ENTRY = new URL(
  typeof BTY_WORKER === 'string' ? BTY_WORKER : '../../../../dist/agent-bundle/worker.mjs',
  import.meta.url,
);

// More do not make one disk faster, and each takes some 25 MB.
const MAX_THREADS = 4;

/** What a disk is to hold, in the form in which threads can share it. */
export type SharedTable = { kind: 'map'; map: ImageMap; bytes: Uint8Array } | { kind: 'digests'; table: DigestTable };

/** Threads for a disk: one a processor; one alone where the heads of the disk would run to and fro between them. */
function threadsFor(target: BlockTarget, processors: number): number {
  return target instanceof DeviceTarget && !target.device.rotational ? Math.min(MAX_THREADS, processors) : 1;
}

/** This thread, which otherwise would wait for the others. */
function ownCrew(
  target: BlockTarget,
  shared: SharedTable,
  pack: RangedFile | undefined,
  ports: CrewPorts,
  threads: number,
): InlineCrew {
  if (shared.kind === 'digests') return new InlineCrew(target, shared.table, undefined, threads);
  if (pack === undefined) return new InlineCrew(target, shared.map, undefined, threads);
  const frames = new RangedSource(pack, ports);
  return new InlineCrew(target, shared.map, { table: shared.map, frames, ...ports }, threads);
}

/**
 * Opens a crew that compares a disk with a table, and with a pack restores it: this thread, and where there is more than
 * one processor and a device that they can share, threads for the others.
 */
export function openCrew(
  target: BlockTarget,
  shared: SharedTable,
  pack: RangedFile | undefined,
  ports: CrewPorts,
  processors = availableParallelism(),
): Crew {
  const threads = threadsFor(target, processors);
  const own = ownCrew(target, shared, pack, ports, threads);
  if (threads === 1 || !(target instanceof DeviceTarget)) return own;
  const table =
    shared.kind === 'map'
      ? ({ kind: 'map', bytes: shared.bytes } as const)
      : ({ kind: 'digests', facts: shared.table.facts } as const);
  const setup = { device: target.device, table, pack, threads };
  return new JointCrew([own, new ThreadCrew(WORKER_ENTRY, threads - 1, setup, ports)]);
}
