import { setTimeout as sleep } from 'node:timers/promises';
import { BtyError } from '@bty/wire-types';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Actor, invalidFields, type RevisionCheck } from '../http/index.js';
import { MachinesRepository } from '../machines/index.js';
import { WorkflowCheckQueue } from './workflow-check.queue.js';
import { mainFileOf, readUpload } from './workflow-files.js';
import { type WorkflowRef, workflowNameProblem } from './workflow-ref.js';
import { workflowRevision } from './workflow-revision.js';
import { WorkflowStore } from './workflow-store.service.js';
import { WorkflowUse } from './workflow-use.port.js';
import type { WorkflowVersionEntity } from './workflow-version.entity.js';
import { type VersionKey, WorkflowsRepository } from './workflows.repository.js';

const RECONCILE_INTERVAL_MS = 15_000;
/** How long an upload waits for the worker's verdict before it answers that there is none yet. */
const CHECK_PATIENCE_MS = 20_000;
const CHECK_POLL_MS = 100;

/** What came of an upload. */
export interface PutOutcome {
  readonly version: WorkflowVersionEntity;
  readonly known: boolean;
  /** Of the workflow with this version, for its ETag. */
  readonly revision: string;
}

/** What somebody puts. */
export interface WorkflowUpload {
  readonly bytes: Buffer;
  readonly contentType: string | undefined;
}

/** What an operator does with workflows. */
@Injectable()
export class WorkflowsService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('Workflows');
  private readonly closing = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly workflows: WorkflowsRepository,
    private readonly store: WorkflowStore,
    private readonly queue: WorkflowCheckQueue,
    private readonly machines: MachinesRepository,
    private readonly use: WorkflowUse,
  ) {}

  onApplicationBootstrap(): void {
    const again = () => {
      this.reconcile().catch((error: unknown) => this.log.warn(`checks cannot be ordered: ${String(error)}`));
    };
    again();
    this.timer = setInterval(again, RECONCILE_INTERVAL_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    this.closing.abort();
  }

  /**
   * Takes a workflow and waits for cijoe's verdict. A version that is still `checking` afterwards has found no worker yet.
   * Throws what `check` does, INVALID_REQUEST, ARCHIVE_INVALID, TOO_LARGE, and WORKFLOW_INVALID with what cijoe says.
   */
  async put(name: string, upload: WorkflowUpload, actor: Actor, check: RevisionCheck): Promise<PutOutcome> {
    const problem = workflowNameProblem(name);
    if (problem !== undefined) throw invalidFields([{ field: 'name', problem }]);
    const files = readUpload(upload.bytes, upload.contentType);
    const main = mainFileOf(files);
    if ('problem' in main) throw new BtyError('WORKFLOW_INVALID', main.problem);
    const present = await this.workflows.ofName(name);
    check(present.length === 0 ? undefined : workflowRevision(present));
    const stored = await this.store.put(files);
    const version = { name, ...stored, mainFile: main.path, files: files.map(({ path }) => path) };
    const put = await this.workflows.put(version, actor, check, new Date());
    this.log.log(`workflow ${name}@${stored.digest} was put by ${actor.name}`);
    if (put.version.state === 'ready') return put;
    this.queue.order(put.version);
    return { ...put, version: await this.verdict(put.version) };
  }

  async list(): Promise<WorkflowVersionEntity[]> {
    return this.workflows.all();
  }

  /** All versions of a name, newest first. Throws NOT_FOUND. */
  async ofName(name: string): Promise<WorkflowVersionEntity[]> {
    const versions = workflowNameProblem(name) === undefined ? await this.workflows.ofName(name) : [];
    if (versions.length === 0) throw noSuch({ name });
    return versions;
  }

  /** Throws NOT_FOUND. */
  async version(key: VersionKey): Promise<WorkflowVersionEntity> {
    const found = (await this.ofName(key.name)).find(({ digest }) => digest === key.digest);
    if (found === undefined) throw noSuch(key);
    return found;
  }

  /** Removes a workflow, or one version of it. Throws NOT_FOUND, and IN_USE while a record, job or run names it. */
  async remove(ref: WorkflowRef, actor: Actor, check: RevisionCheck): Promise<void> {
    const user = (await this.recordNaming(ref)) ?? (await this.use.activeUseOf(ref));
    if (user !== undefined) throw new BtyError('IN_USE', `${user} needs it`, { details: { used_by: user } });
    const { name, digest } = ref;
    const orphans =
      workflowNameProblem(name) === undefined ? await this.workflows.remove(ref, actor, check) : undefined;
    if (orphans === undefined) throw noSuch(ref);
    for (const orphan of orphans) await this.store.remove(orphan);
    this.log.log(`workflow ${name}${digest === undefined ? '' : `@${digest}`} was removed by ${actor.name}`);
  }

  /** A record that means what is to be removed: by its digest, or by its name when that would lose its last version. */
  private async recordNaming({ name, digest }: WorkflowRef): Promise<string | undefined> {
    const last = digest !== undefined && (await this.workflows.resolve({ name }))?.digest === digest;
    const refs = [...(digest === undefined ? [name] : [`${name}@${digest}`]), ...(last ? [name] : [])];
    const mac = await this.machines.withWorkflow(refs, digest === undefined ? `${name}@` : undefined);
    return mac && `machine ${mac}`;
  }

  private async verdict(key: VersionKey): Promise<WorkflowVersionEntity> {
    const deadline = Date.now() + CHECK_PATIENCE_MS;
    for (;;) {
      const version = await this.workflows.find(key);
      if (version === undefined) throw noSuch(key);
      if (version.state === 'refused') {
        throw new BtyError('WORKFLOW_INVALID', version.problem ?? 'cijoe refuses it', {
          details: { digest: key.digest },
        });
      }
      if (version.state === 'ready' || Date.now() > deadline || this.closing.signal.aborted) return version;
      await sleep(CHECK_POLL_MS);
    }
  }

  /** Postgres says what is due, the queue may have forgotten it. */
  private async reconcile(): Promise<void> {
    for (const version of await this.workflows.unchecked()) this.queue.order(version);
  }
}

function noSuch({ name, digest }: WorkflowRef): BtyError {
  const shown = JSON.stringify(name.slice(0, 64));
  return new BtyError(
    'NOT_FOUND',
    `there is no workflow ${shown}${digest === undefined ? '' : ` with version ${digest}`}`,
  );
}
