import { BtyError } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { plainRows, storable } from '../db/index.js';
import { EventsRepository } from '../events/index.js';
import type { Actor } from '../http/index.js';
import { BaselineEntity } from './baseline.entity.js';
import { DriftCheckEntity } from './drift-check.entity.js';

/** How many baselines of a machine are kept, beside the current one: a lab records hundreds a day. */
const MAX_KEPT = 20;

/** What a run that has succeeded records. */
export type NewBaseline = Omit<BaselineEntity, 'version' | 'current' | 'machine'>;

/** What lists show of a baseline. */
export type BaselineHead = Omit<BaselineEntity, 'facts' | 'machine'>;

const HEAD = {
  mac: true,
  version: true,
  current: true,
  recordedAt: true,
  runId: true,
  flashJobId: true,
  imageName: true,
  imageSha256: true,
  workflowName: true,
  workflowDigest: true,
} as const satisfies Record<keyof BaselineHead, true>;

function facts(baseline: BaselineHead): Record<string, unknown> {
  const { version, imageSha256: image_sha256, workflowDigest: workflow_digest, runId: run_id } = baseline;
  return { version, image_sha256, workflow_digest, run_id };
}

/** The known-good baselines of machines. */
@Injectable()
export class BaselinesRepository {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventsRepository,
  ) {}

  async current(mac: string): Promise<BaselineEntity | undefined> {
    return (await this.baselines().findOneBy({ mac, current: true })) ?? undefined;
  }

  async find(mac: string, version: number): Promise<BaselineEntity | undefined> {
    return (await this.baselines().findOneBy({ mac, version })) ?? undefined;
  }

  /** Newest first, without the facts. */
  async history(mac: string): Promise<BaselineHead[]> {
    return this.baselines().find({ select: HEAD, where: { mac }, order: { version: 'DESC' } });
  }

  /** The current ones of these machines, without the facts. */
  async heads(macs: readonly string[]): Promise<ReadonlyMap<string, BaselineHead>> {
    if (macs.length === 0) return new Map();
    const query = this.baselines().createQueryBuilder('baseline');
    query.where('baseline.current AND baseline.mac = ANY(:macs)', { macs });
    const rows = await plainRows(query, Object.keys(HEAD) as (keyof typeof HEAD)[]);
    return new Map(rows.map((row) => [row.mac, row]));
  }

  /**
   * Records what good looks like from now on, within the transaction of `manager`; returns its number. Throws NOT_FOUND
   * when the machine's record is gone.
   */
  async recordIn(manager: EntityManager, baseline: NewBaseline, actor: Actor): Promise<number> {
    const { mac } = baseline;
    await this.lockIn(manager, mac);
    const [newest] = await manager.query<{ version: number | null }[]>(
      'SELECT max(version) AS version FROM baselines WHERE mac = $1',
      [mac],
    );
    const version = (newest?.version ?? 0) + 1;
    const old = await this.retireIn(manager, mac);
    const row = { ...baseline, facts: storable(baseline.facts), version, current: true };
    await manager.insert(BaselineEntity, row as object);
    await manager.query('DELETE FROM baselines WHERE mac = $1 AND NOT current AND version <= $2', [
      mac,
      version - MAX_KEPT,
    ]);
    await this.note(manager, 'machine.baseline-recorded', mac, actor, { before: old, after: row });
    await this.forgetCheckIn(manager, mac, actor);
    return version;
  }

  /** Makes an older baseline the current one. Throws NOT_FOUND. */
  async promote(mac: string, version: number, actor: Actor): Promise<BaselineEntity> {
    return this.source.transaction(async (manager) => {
      await this.lockIn(manager, mac);
      const chosen = await manager.findOneBy(BaselineEntity, { mac, version });
      if (chosen === null) throw noSuchBaseline(mac, version);
      if (chosen.current) return chosen;
      const old = await this.retireIn(manager, mac);
      await manager.update(BaselineEntity, { mac, version }, { current: true });
      await this.note(manager, 'machine.baseline-promoted', mac, actor, { before: old, after: chosen });
      await manager.delete(DriftCheckEntity, { mac });
      return { ...chosen, current: true };
    });
  }

  /** Removes a baseline that is not the current one. Throws NOT_FOUND and IN_USE. */
  async remove(mac: string, version: number, actor: Actor): Promise<void> {
    await this.source.transaction(async (manager) => {
      await this.lockIn(manager, mac);
      const chosen = await manager.findOneBy(BaselineEntity, { mac, version });
      if (chosen === null) throw noSuchBaseline(mac, version);
      if (chosen.current) throw new BtyError('IN_USE', `baseline ${version} is the current one of ${mac}`);
      await manager.delete(BaselineEntity, { mac, version });
      await this.note(manager, 'machine.baseline-removed', mac, actor, { before: chosen });
    });
  }

  /** What the last check has found was about another baseline; a machine that had drifted is good again. */
  private async forgetCheckIn(manager: EntityManager, mac: string, actor: Actor): Promise<void> {
    const check = await manager.findOneBy(DriftCheckEntity, { mac });
    if (check === null) return;
    await manager.delete(DriftCheckEntity, { mac });
    const before = { baseline: check.baseline, count: check.differences.length };
    const recovered = { subject: `machine/${mac}`, action: 'machine.recovered', actor, before };
    if (check.differences.length > 0) await this.events.append(manager, recovered);
  }

  /** One change of a machine's baselines at a time. */
  private async lockIn(manager: EntityManager, mac: string): Promise<void> {
    const found = await manager.query<unknown[]>('SELECT 1 FROM machines WHERE mac = $1 FOR NO KEY UPDATE', [mac]);
    if (found.length === 0) throw new BtyError('NOT_FOUND', `there is no machine ${mac}`);
  }

  /** The current one is not it any more; undefined when there was none. */
  private async retireIn(manager: EntityManager, mac: string): Promise<BaselineHead | undefined> {
    const old = await manager.findOne(BaselineEntity, { select: HEAD, where: { mac, current: true } });
    await manager.update(BaselineEntity, { mac, current: true }, { current: false });
    return old ?? undefined;
  }

  private async note(
    manager: EntityManager,
    action: string,
    mac: string,
    actor: Actor,
    { before, after }: { before?: BaselineHead | undefined; after?: BaselineHead },
  ): Promise<void> {
    const change = {
      subject: `machine/${mac}`,
      action,
      actor,
      before: before && facts(before),
      after: after && facts(after),
    };
    await this.events.append(manager, change);
  }

  private baselines() {
    return this.source.getRepository(BaselineEntity);
  }
}

/** The error for a baseline that is not there. */
export function noSuchBaseline(mac: string, version: number | undefined): BtyError {
  const which = version === undefined ? 'baseline' : `baseline ${version}`;
  return new BtyError('NOT_FOUND', `there is no ${which} of ${mac}`);
}
