import { BtyError, type FlashStage, type FlashStart, type JobRef } from '@bty/wire-types';
import type { Clock } from './clock/clock.js';
import { openCrew } from './crew/open-crew.js';
import { RateMeter } from './engine/rate-meter.js';
import { type JobProvisionPorts, jobProvisioner } from './job-provisioner.js';
import { peakResidentBytes } from './peak-memory.js';
import { type FlashOutcome, type FlashPorts, flash } from './pipeline.js';
import { runCommand } from './run-command.js';
import type { JobStatus, Status } from './screen/status.js';
import type { AgentSession } from './session/agent-session.js';
import { fetchMap } from './source/fetch-map.js';
import { packFile, RangedSource } from './source/ranged-source.js';
import { listDisks } from './target/list-disks.js';
import type { MachineRoots } from './target/machine-roots.js';
import { openTarget } from './target/open-target.js';
import { rereadTable } from './target/reread-table.js';
import { findMemberships } from './target/signatures.js';

/** What a flash on this machine works with. */
export interface FlashSurroundings {
  serverUrl: string;
  roots: MachineRoots;
  onlyDisks: readonly string[];
  session: AgentSession;
  /** The credential of the agent's session, for servers that close the reading of images. */
  sessionToken(): string | undefined;
  status: Status;
  clock: Clock;
  /** A folder of the agent's own, to mount in. */
  workDir: string;
  /** Where programs are. */
  searchPath: string;
  log(line: string): void;
}

/** Passes stages and progress on to the server and the screen; every stage counts and times its own bytes. */
class StageReporter {
  #stage: FlashStage = 'preparing';
  #meter = new RateMeter();

  constructor(
    private readonly ref: JobRef,
    private readonly around: FlashSurroundings,
  ) {}

  enter(stage: FlashStage): void {
    this.#stage = stage;
    this.#meter = new RateMeter();
    const { job } = this.around.status;
    if (job !== undefined) Object.assign(job, { stage, bytesDone: 0, bytesTotal: undefined, bytesPerSecond: 0 });
    this.around.log(`stage ${stage}`);
    void this.around.session.report({ type: 'flash.stage', ...this.ref, stage });
  }

  progress(bytesDone: number, bytesTotal: number): void {
    const bytesPerSecond = this.#meter.sample(bytesDone, this.around.clock.nowMs());
    const { job } = this.around.status;
    if (job !== undefined) Object.assign(job, { bytesDone, bytesTotal, bytesPerSecond });
    this.around.session.progress({
      type: 'flash.progress',
      ...this.ref,
      stage: this.#stage,
      bytes_done: bytesDone,
      bytes_total: bytesTotal,
      bytes_per_second: bytesPerSecond,
    });
  }
}

/** The URL of a path on the server. `//host/…` would leave it, and carry the credential of the session along. */
function urlOn(serverUrl: string, path: string): string {
  const url = `${serverUrl}${path}`;
  if (new URL(url).origin === new URL(serverUrl).origin) return url;
  throw new BtyError('INVALID_REQUEST', `the path of a file of the job leaves the server: ${path}`);
}

function authorizationOf({ sessionToken }: FlashSurroundings): () => string | undefined {
  return () => {
    const token = sessionToken();
    return token === undefined ? undefined : `Bearer ${token}`;
  };
}

/** How the image of an order is read from the server. */
function sourcePorts(
  { image }: FlashStart,
  around: FlashSurroundings,
): Pick<FlashPorts, 'fetchMap' | 'openPack' | 'openCrew'> {
  const { serverUrl, log: onRetry } = around;
  const authorization = authorizationOf(around);
  const place = { url: urlOn(serverUrl, image.map.path), sizeBytes: image.map.size_bytes, blake3: image.map.blake3 };
  return {
    fetchMap: (signal) => fetchMap(place, { authorization, onRetry }, signal),
    openPack: (map) => new RangedSource(packFile(serverUrl, map), { authorization, onRetry }),
    openCrew: (target, { map, bytes }, ports) =>
      openCrew(target, { kind: 'map', map, bytes }, packFile(serverUrl, map), { ...ports, authorization }),
  };
}

function provisionPorts(order: FlashStart, reporter: StageReporter, around: FlashSurroundings): JobProvisionPorts {
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

function portsOf(order: FlashStart, job: JobStatus, around: FlashSurroundings, signal: AbortSignal): FlashPorts {
  const { status, roots } = around;
  const ref = { job_id: order.job_id, epoch: order.epoch };
  const reporter = new StageReporter(ref, around);
  return {
    ...sourcePorts(order, around),
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
export async function runFlash(
  order: FlashStart,
  around: FlashSurroundings,
  signal: AbortSignal,
): Promise<FlashOutcome> {
  const { status } = around;
  const job: JobStatus = {
    imageName: order.image.name,
    target: undefined,
    stage: 'preparing',
    bytesDone: 0,
    bytesTotal: undefined,
    bytesPerSecond: 0,
  };
  status.outcome = '';
  status.job = job;
  try {
    return await flash(order, portsOf(order, job, around, signal), signal);
  } finally {
    status.job = undefined;
  }
}
