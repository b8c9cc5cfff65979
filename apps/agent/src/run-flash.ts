import { BtyError, type FlashStage, type FlashStart, type JobRef } from '@bty/wire-types';
import type { Clock } from './clock/clock.js';
import { RateMeter } from './engine/rate-meter.js';
import { peakResidentBytes } from './peak-memory.js';
import { type FlashOutcome, type FlashPorts, flash } from './pipeline.js';
import type { JobStatus, Status } from './screen/status.js';
import type { AgentSession } from './session/agent-session.js';
import { HttpImageSource } from './source/http-image-source.js';
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

function sourceOf(order: FlashStart, around: FlashSurroundings): HttpImageSource {
  const url = `${around.serverUrl}${order.image.path}`;
  // `//host/…` would leave the server that the session is with, and carry its credential along.
  if (new URL(url).origin !== new URL(around.serverUrl).origin) {
    throw new BtyError('INVALID_REQUEST', `the image's path leaves the server: ${order.image.path}`);
  }
  return new HttpImageSource({
    url,
    sizeBytes: order.image.size_bytes,
    sha256: order.image.sha256,
    authorization: () => {
      const token = around.sessionToken();
      return token === undefined ? undefined : `Bearer ${token}`;
    },
    onRetry: around.log,
  });
}

function portsOf(
  ref: JobRef,
  job: JobStatus,
  source: HttpImageSource,
  around: FlashSurroundings,
  signal: AbortSignal,
): FlashPorts {
  const { status, roots } = around;
  const reporter = new StageReporter(ref, around);
  return {
    listDisks: async () => {
      status.disks = await listDisks(roots, findMemberships, around.onlyDisks);
      return status.disks;
    },
    openTarget: (disk) => openTarget(roots, disk),
    source,
    onStage: (stage) => reporter.enter(stage),
    onProgress: (done, total) => reporter.progress(done, total),
    onTarget: (disk) => {
      job.target = disk.path;
      around.log(`target ${disk.path}, ${disk.size_bytes} bytes, serial ${disk.serial ?? 'unknown'}`);
    },
    log: around.log,
    commit: () => around.session.commit(ref, signal),
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
  const source = sourceOf(order, around);
  try {
    return await flash(
      order,
      portsOf({ job_id: order.job_id, epoch: order.epoch }, job, source, around, signal),
      signal,
    );
  } finally {
    status.job = undefined;
    source.close();
  }
}
