import type { CheckResult, CheckStart } from '@bty/wire-types';
import { type CheckPorts, checkDisk } from './check-disk.js';
import { openCrew } from './crew/open-crew.js';
import { imageSource, type JobSurroundings, StageReporter, showing } from './job-surroundings.js';
import type { JobStatus } from './screen/status.js';
import { listDisks } from './target/list-disks.js';
import { openForReading } from './target/open-target.js';
import { findMemberships } from './target/signatures.js';

function portsOf(order: CheckStart, job: JobStatus, around: JobSurroundings): CheckPorts {
  const { status, roots, log } = around;
  const reporter = new StageReporter({ job_id: order.job_id, epoch: order.epoch }, around);
  const { authorization, fetchMap, openPack } = imageSource(order.image, around);
  const neverWrites = async (): Promise<void> => {
    throw new Error('a check does not write');
  };
  return {
    fetchMap,
    openPack,
    // Without a pack there is nothing to write from.
    openCrew: (target, { map, bytes }) =>
      openCrew(target, { kind: 'map', map, bytes }, undefined, { authorization, onRetry: log, mayWrite: neverWrites }),
    listDisks: async () => {
      status.disks = await listDisks(roots, findMemberships, around.onlyDisks);
      return status.disks;
    },
    openForReading: (disk) => openForReading(roots, disk),
    onStage: (stage) => reporter.enter(stage),
    onProgress: (done, total) => reporter.progress(done, total),
    onTarget: (disk) => {
      job.target = disk.path;
      log(`reads ${disk.path}, ${disk.size_bytes} bytes, serial ${disk.serial ?? 'unknown'}`);
    },
    log,
    nowMs: () => around.clock.nowMs(),
  };
}

/** Carries out one check on this machine, and keeps server and screen informed. Throws as `checkDisk` does. */
export function runCheck(order: CheckStart, around: JobSurroundings, signal: AbortSignal): Promise<CheckResult> {
  return showing(order, around, (job) => checkDisk(order, portsOf(order, job, around), signal));
}
