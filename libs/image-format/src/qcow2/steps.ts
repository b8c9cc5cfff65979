import type { Run } from './runs.js';

export type CompressedRun = Extract<Run, { kind: 'compressed' }>;

/** Compressed clusters that follow each other on the disk, and the part of the file that holds them all. */
export interface CompressedStep {
  kind: 'compressed';
  offsetBytes: number;
  lengthBytes: number;
  hostOffsetBytes: number;
  hostEndBytes: number;
  clusters: CompressedRun[];
}

/** What is read from the file at once and becomes one piece. */
export type Step = Exclude<Run, { kind: 'compressed' }> | CompressedStep;

/** Bytes of one read, of the disk and of the file; a larger compressed cluster is a read of its own. */
export const READ_BYTES = 1024 * 1024;

/** Starts a step with a compressed cluster. */
function startingWith(run: CompressedRun): CompressedStep {
  const { kind, offsetBytes, lengthBytes, hostOffsetBytes } = run;
  const hostEndBytes = hostOffsetBytes + run.hostLengthBytes;
  return { kind, offsetBytes, lengthBytes, hostOffsetBytes, hostEndBytes, clusters: [run] };
}

/** Takes the next compressed cluster into the step, when both stay within one read; writers put them side by side. */
function takes(step: CompressedStep, run: CompressedRun): boolean {
  const hostOffsetBytes = Math.min(step.hostOffsetBytes, run.hostOffsetBytes);
  const hostEndBytes = Math.max(step.hostEndBytes, run.hostOffsetBytes + run.hostLengthBytes);
  if (step.lengthBytes + run.lengthBytes > READ_BYTES || hostEndBytes - hostOffsetBytes > READ_BYTES) return false;
  step.clusters.push(run);
  step.lengthBytes += run.lengthBytes;
  Object.assign(step, { hostOffsetBytes, hostEndBytes });
  return true;
}

/** Cuts runs into steps: data of at most 1 MiB, compressed clusters together, zeros as long as they last. */
export async function* stepsOf(runs: AsyncIterable<Run>): AsyncGenerator<Step> {
  let group: CompressedStep | undefined;
  for await (const run of runs) {
    if (run.kind === 'compressed') {
      if (group && takes(group, run)) continue;
      if (group) yield group;
      group = startingWith(run);
      continue;
    }
    if (group) yield group;
    group = undefined;
    if (run.kind === 'zero') yield run;
    else yield* dataSteps(run);
  }
  if (group) yield group;
}

function* dataSteps(run: Extract<Run, { kind: 'data' }>): Generator<Step> {
  for (let at = 0; at < run.lengthBytes; at += READ_BYTES) {
    yield {
      kind: 'data',
      offsetBytes: run.offsetBytes + at,
      lengthBytes: Math.min(READ_BYTES, run.lengthBytes - at),
      hostOffsetBytes: run.hostOffsetBytes + at,
    };
  }
}
