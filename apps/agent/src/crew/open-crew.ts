import { availableParallelism } from 'node:os';
import type { ImageMap } from '@bty/image-format';
import type { BlockTarget } from '../engine/block-target.js';
import { DeviceTarget } from '../engine/block-target-device.js';
import type { DigestTable } from '../engine/digest-table.js';
import { type RangedFile, RangedSource } from '../source/ranged-source.js';
import type { Crew, CrewPorts } from './crew.js';
import { InlineCrew } from './inline-crew.js';
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
function threadsFor(target: DeviceTarget, processors: number): number {
  return target.device.rotational ? 1 : Math.min(MAX_THREADS, processors);
}

/**
 * Opens a crew that compares a disk with a table, and with a pack restores it. Threads where there is more than one
 * processor and a device that they can share; this thread alone elsewhere.
 */
export function openCrew(
  target: BlockTarget,
  shared: SharedTable,
  pack: RangedFile | undefined,
  ports: CrewPorts,
  processors = availableParallelism(),
): Crew {
  if (target instanceof DeviceTarget && processors > 1) {
    const table =
      shared.kind === 'map'
        ? ({ kind: 'map', bytes: shared.bytes } as const)
        : ({ kind: 'digests', facts: shared.table.facts } as const);
    return new ThreadCrew(WORKER_ENTRY, threadsFor(target, processors), { device: target.device, table, pack }, ports);
  }
  if (shared.kind === 'digests') return new InlineCrew(target, shared.table);
  if (pack === undefined) return new InlineCrew(target, shared.map);
  const frames = new RangedSource(pack, ports);
  return new InlineCrew(target, shared.map, { table: shared.map, frames, ...ports });
}
