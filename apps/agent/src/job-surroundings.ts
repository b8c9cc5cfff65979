import { BtyError, type FlashStage, type FlashStart, type JobRef, type JobStart } from '@bty/wire-types';
import type { Clock } from './clock/clock.js';
import { RateMeter } from './engine/rate-meter.js';
import type { JobStatus, Status } from './screen/status.js';
import type { AgentSession } from './session/agent-session.js';
import { type FetchedMap, fetchMap } from './source/fetch-map.js';
import { packFile, type RangedFile, RangedSource } from './source/ranged-source.js';
import type { MachineRoots } from './target/machine-roots.js';

/** What a job on this machine works with. */
export interface JobSurroundings {
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
export class StageReporter {
  #stage: FlashStage = 'preparing';
  #meter = new RateMeter();

  constructor(
    private readonly ref: JobRef,
    private readonly around: JobSurroundings,
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
export function urlOn(serverUrl: string, path: string): string {
  const url = `${serverUrl}${path}`;
  if (new URL(url).origin === new URL(serverUrl).origin) return url;
  throw new BtyError('INVALID_REQUEST', `the path of a file of the job leaves the server: ${path}`);
}

/** Value of the Authorization header for reads from the server. */
export function authorizationOf({ sessionToken }: JobSurroundings): () => string | undefined {
  return () => {
    const token = sessionToken();
    return token === undefined ? undefined : `Bearer ${token}`;
  };
}

/** How the image of a job is read from the server. */
export interface ImageSource {
  authorization(): string | undefined;
  fetchMap(signal: AbortSignal): Promise<FetchedMap>;
  packOf(map: FetchedMap['map']): RangedFile;
  openPack(map: FetchedMap['map']): RangedSource;
}

export function imageSource(
  { map: { path, size_bytes: sizeBytes, blake3 } }: FlashStart['image'],
  around: JobSurroundings,
): ImageSource {
  const { serverUrl, log: onRetry } = around;
  const authorization = authorizationOf(around);
  const place = { url: urlOn(serverUrl, path), sizeBytes, blake3 };
  const packOf = (map: FetchedMap['map']): RangedFile => packFile(serverUrl, map);
  return {
    authorization,
    packOf,
    fetchMap: (signal) => fetchMap(place, { authorization, onRetry }, signal),
    openPack: (map) => new RangedSource(packOf(map), { authorization, onRetry }),
  };
}

/** Shows a job on the screen for as long as the work on it takes. */
export async function showing<T>(
  order: JobStart,
  { status }: JobSurroundings,
  work: (job: JobStatus) => Promise<T>,
): Promise<T> {
  const job: JobStatus = {
    kind: order.type === 'check.start' ? 'check' : 'flash',
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
    return await work(job);
  } finally {
    status.job = undefined;
  }
}
