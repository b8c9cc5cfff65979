import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { storable } from '../db/index.js';
import { type Change, EventsRepository } from '../events/index.js';
import type { Actor, RevisionCheck } from '../http/index.js';
import type { WorkflowRef } from './workflow-ref.js';
import { workflowRevision } from './workflow-revision.js';
import { WorkflowVersionEntity } from './workflow-version.entity.js';

/** What names one version. */
export type VersionKey = Pick<WorkflowVersionEntity, 'name' | 'digest'>;

/** What is known of a version before cijoe has looked at it. */
export type NewVersion = Pick<WorkflowVersionEntity, 'name' | 'digest' | 'mainFile' | 'files' | 'sizeBytes'>;

/** What came of putting a version. */
export interface PutVersion {
  readonly known: boolean;
  readonly version: WorkflowVersionEntity;
  /** Of the workflow with it. */
  readonly revision: string;
}

/** Any constant will do; it has to be the same in every version of the server. */
const NAME_LOCK = 7_302_553;

function facts({ digest, state }: Pick<WorkflowVersionEntity, 'digest' | 'state'>): Record<string, unknown> {
  return { digest, state };
}

/** The catalogue of workflows. */
@Injectable()
export class WorkflowsRepository {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventsRepository,
  ) {}

  /** All versions, those of one name together, newest first. */
  async all(): Promise<WorkflowVersionEntity[]> {
    return this.versions().find({ order: { name: 'ASC', putAt: 'DESC' } });
  }

  /** The versions of a name, newest first. */
  async ofName(name: string): Promise<WorkflowVersionEntity[]> {
    return this.versions().find({ where: { name }, order: { putAt: 'DESC' } });
  }

  async find({ name, digest }: VersionKey): Promise<WorkflowVersionEntity | undefined> {
    return (await this.versions().findOneBy({ name, digest })) ?? undefined;
  }

  /** The version that a reference means: the one it fixes, or the newest of its name; only one that may be run. */
  async resolve(
    ref: WorkflowRef,
    manager: EntityManager = this.source.manager,
  ): Promise<WorkflowVersionEntity | undefined> {
    const { name, digest } = ref;
    const where = { name, state: 'ready' as const, ...(digest === undefined ? {} : { digest }) };
    const order = { putAt: 'DESC' } as const;
    return (await manager.findOne(WorkflowVersionEntity, { where, order })) ?? undefined;
  }

  /** The versions that cijoe has still to look at. */
  async unchecked(): Promise<VersionKey[]> {
    return this.versions().findBy({ state: 'checking' });
  }

  /**
   * Takes a version in, or makes an old one the newest again, unless `check` throws. It has to be checked by cijoe unless it
   * was found good before. Tells whether it was there.
   */
  async put(version: NewVersion, actor: Actor, check: RevisionCheck, now: Date): Promise<PutVersion> {
    return this.source.transaction(async (manager) => {
      const { name, digest } = version;
      const versions = await this.claimIn(manager, name);
      const [newest] = versions;
      check(newest && workflowRevision(versions));
      const old = versions.find((one) => one.digest === digest);
      const state = old?.state === 'ready' ? 'ready' : 'checking';
      const row = { ...version, state, problem: null, putAt: now, putBy: actor.name } as const;
      await manager.upsert(WorkflowVersionEntity, row, ['name', 'digest']);
      const told = { before: newest && facts(newest), after: facts({ digest, state }) };
      await this.note(manager, 'workflow.put', name, actor, told);
      const present = await manager.findBy(WorkflowVersionEntity, { name });
      const put = present.find((one) => one.digest === digest) as WorkflowVersionEntity;
      return { known: old !== undefined, version: put, revision: workflowRevision(present) };
    });
  }

  /** Stores what cijoe says of a version that is still being checked; `problem` is undefined when it takes it. */
  async checked(key: VersionKey, problem: string | undefined, actor: Actor): Promise<void> {
    await this.source.transaction(async (manager) => {
      const where = { name: key.name, digest: key.digest, state: 'checking' } as const;
      const set = { state: problem === undefined ? 'ready' : 'refused', problem: storable(problem ?? null) } as const;
      const { affected } = await manager.update(WorkflowVersionEntity, where, set);
      const action = problem === undefined ? 'workflow.ready' : 'workflow.refused';
      const told = { before: facts({ ...key, ...where }), after: facts({ ...key, ...set }) };
      if (affected === 1) await this.note(manager, action, key.name, actor, told);
    });
  }

  /**
   * Removes one version, or all of a name, unless `check` throws. Returns the digests that no name has any more; undefined
   * when there was nothing to remove.
   */
  async remove({ name, digest }: WorkflowRef, actor: Actor, check: RevisionCheck): Promise<string[] | undefined> {
    return this.source.transaction(async (manager) => {
      const versions = await this.claimIn(manager, name);
      const rows = versions.filter((one) => digest === undefined || one.digest === digest);
      if (rows.length === 0) return undefined;
      check(workflowRevision(versions));
      await manager.delete(WorkflowVersionEntity, { name, ...(digest === undefined ? {} : { digest }) });
      const digests = rows.map((row) => row.digest);
      for (const gone of rows) await this.note(manager, 'workflow.removed', name, actor, { before: facts(gone) });
      const kept = await manager
        .createQueryBuilder(WorkflowVersionEntity, 'version')
        .where('version.digest IN (:...digests)', { digests })
        .getMany();
      return digests.filter((gone) => !kept.some((version) => version.digest === gone));
    });
  }

  /** The versions of a name, newest first, which nobody else changes for the rest of the transaction of `manager`. */
  private async claimIn(manager: EntityManager, name: string): Promise<WorkflowVersionEntity[]> {
    await manager.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [NAME_LOCK, name]);
    return manager.find(WorkflowVersionEntity, { where: { name }, order: { putAt: 'DESC' } });
  }

  private versions() {
    return this.source.getRepository(WorkflowVersionEntity);
  }

  private async note(
    manager: EntityManager,
    action: string,
    name: string,
    actor: Actor,
    told: Pick<Change, 'before' | 'after'>,
  ): Promise<void> {
    await this.events.append(manager, { subject: `workflow/${name}`, action, actor, ...told });
  }
}
