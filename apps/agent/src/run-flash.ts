import type { FlashStart } from '@bty/wire-types';
import { openCrew } from './crew/open-crew.js';
import { type JobProvisionPorts, jobProvisioner } from './job-provisioner.js';
import {
  authorizationOf,
  imageSource,
  type JobSurroundings,
  StageReporter,
  showing,
  urlOn,
} from './job-surroundings.js';
import { peakResidentBytes } from './peak-memory.js';
import { type FlashOutcome, type FlashPorts, flash } from './pipeline.js';
import { loadMountDrivers } from './provision/mount-volume.js';
import { runCommand } from './run-command.js';
import type { JobStatus } from './screen/status.js';
import { listDisks } from './target/list-disks.js';
import { openTarget } from './target/open-target.js';
import { rereadTable } from './target/reread-table.js';
import { findMemberships } from './target/signatures.js';

function provisionPorts(order: FlashStart, reporter: StageReporter, around: JobSurroundings): JobProvisionPorts {
  const { serverUrl, workDir, searchPath, session, log } = around;
  const ref = { job_id: order.job_id, epoch: order.epoch };
  return {
    run: runCommand,
    ...{ workDir, searchPath, log },
    authorization: authorizationOf(around),
    onRetry: log,
    urlOn: (path) => urlOn(serverUrl, path),
    sendOutput: (part, text) => session.report({ type: 'flash.log', ...ref, part, text }),
    onAlive: () => reporter.progress(0, 0),
  };
}

function portsOf(order: FlashStart, job: JobStatus, around: JobSurroundings, signal: AbortSignal): FlashPorts {
  const { status, roots } = around;
  const ref = { job_id: order.job_id, epoch: order.epoch };
  const reporter = new StageReporter(ref, around);
  const { authorization, packOf, fetchMap, openPack } = imageSource(order.image, around);
  return {
    fetchMap,
    openPack,
    openCrew: (target, { map, bytes }, ports) =>
      openCrew(target, { kind: 'map', map, bytes }, packOf(map), { ...ports, authorization }),
    listDisks: async () => {
      status.disks = await listDisks(roots, findMemberships, around.onlyDisks);
      return status.disks;
    },
    openTarget: (disk) => openTarget(roots, disk),
    onStage: (stage) => reporter.enter(stage),
    onProgress: (done, total) => reporter.progress(done, total),
    onTarget: (disk) => {
      job.target = disk.path;
      around.log(`target ${disk.path}, ${disk.size_bytes} bytes, serial ${disk.serial ?? 'unknown'}`);
    },
    log: around.log,
    commit: () => around.session.commit(ref, signal),
    prepareProvisioning: () => jobProvisioner(order, provisionPorts(order, reporter, around), signal),
    rereadTable: async (path) => around.log(await rereadTable(path)),
    nowMs: () => around.clock.nowMs(),
    peakRssBytes: peakResidentBytes,
  };
}

/** Carries out one flash order on this machine, and keeps server and screen informed. Throws as `flash` does. */
export async function runFlash(order: FlashStart, around: JobSurroundings, signal: AbortSignal): Promise<FlashOutcome> {
  const provisioned = order.seed !== undefined || order.provisioning_mode !== 'none';
  const drivers = provisioned ? loadMountDrivers(runCommand) : undefined;
  try {
    return await showing(order, around, (job) => flash(order, portsOf(order, job, around, signal), signal));
  } finally {
    await drivers;
  }
}
