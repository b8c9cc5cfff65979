import { BtyError, type Inventory, type MacAddress } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager, In, IsNull, Not, type SelectQueryBuilder } from 'typeorm';
import { plainRow, plainRows, storable } from '../db/index.js';
import { EventsRepository } from '../events/index.js';
import type { Actor, RevisionCheck } from '../http/index.js';
import { MachineEntity } from './machine.entity.js';
import { MachineBoxesRepository } from './machine-boxes.repository.js';
import { auditedFields, DISCOVERED_FIELDS, type MachineFields } from './machine-fields.js';

/** Which state of the operator's fields a record has, for ETags. */
export function revisionOf(machine: MachineEntity): string {
  return `${machine.createdAt.getTime().toString(36)}.${machine.revision}`;
}

/** The machines for which all holds that is given. `macs`: they are among these; `tags`: they have all of these. */
export interface MachineSelector {
  readonly macs?: readonly MacAddress[] | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Their record names this image. */
  readonly image?: string | undefined;
}

/** What of a record decides on a boot. */
type BootWish = Pick<MachineEntity, 'bootPolicy' | 'firstBootUntil' | 'provisioningMode'>;

/** The error for a machine that has no record. */
export function noSuchMachine(mac: string): BtyError {
  return new BtyError('NOT_FOUND', `there is no machine ${mac}`);
}

function subject(mac: string): string {
  return `machine/${mac}`;
}

/** Machine records. */
@Injectable()
export class MachinesRepository {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventsRepository,
    private readonly boxes: MachineBoxesRepository,
  ) {}

  async find(mac: MacAddress): Promise<MachineEntity | undefined> {
    return plainRow(this.records().where('machine.mac = :mac', { mac }));
  }

  /** Those of the records that there are, in any order. */
  async findAll(macs: readonly string[]): Promise<MachineEntity[]> {
    return plainRows(this.records().where('machine.mac = ANY(:macs)', { macs }));
  }

  /** MAC addresses of the machines that a selector matches, sorted, at most `limit`. */
  async select(
    { macs, tags, image, pool }: MachineSelector & { readonly pool?: string | undefined },
    limit: number,
  ): Promise<MacAddress[]> {
    const query = this.records();
    if (macs !== undefined) query.andWhere('machine.mac = ANY(:macs)', { macs });
    if (tags !== undefined) query.andWhere('machine.tags @> :tags', { tags });
    if (image !== undefined) query.andWhere('machine.image = :image', { image });
    if (pool !== undefined) query.andWhere('machine.tags @> ARRAY[CAST(:pool AS text)]', { pool });
    const found = await plainRows(query.orderBy('machine.mac', 'ASC').limit(limit), ['mac']);
    return found.map(({ mac }) => mac as MacAddress);
  }

  /**
   * Records that a machine was in contact, and returns what decides on its boot; the first contact makes the record. Safe
   * against any number at once.
   */
  async contact(mac: MacAddress, actor: Actor, now: Date): Promise<BootWish> {
    const [[known]] = await this.source.query<[BootWish[], number]>(
      `UPDATE machines SET last_seen_at = $2, last_seen_ip = $3, discovered_at = COALESCE(discovered_at, $2) WHERE mac = $1
       RETURNING boot_policy AS "bootPolicy", first_boot_until AS "firstBootUntil", provisioning_mode AS "provisioningMode"`,
      [mac, now, actor.ip ?? null],
    );
    if (known !== undefined) return known;
    return this.source.transaction(async (manager) => {
      if (await this.see(manager, mac, actor, now)) await this.boxes.noteLinksIn(manager, mac, [], actor);
      return manager.findOneByOrFail(MachineEntity, { mac });
    });
  }

  /**
   * Records what an agent reports of its machine, and which cards are in one box. A machine with an agent is not in its
   * first boot after a flash. Returns the record, and all MAC addresses of the box.
   */
  async agentConnected(
    mac: MacAddress,
    inventory: Inventory,
    actor: Actor,
    now: Date,
  ): Promise<{ machine: MachineEntity; macs: string[] }> {
    const seen = storable(inventory);
    return this.source.transaction(async (manager) => {
      const before = await this.boxes.linksOf(mac, manager);
      await this.boxes.seeIn(manager, mac, seen, now);
      const macs = await this.boxes.lockIn(manager, mac);
      await this.see(manager, mac, actor, now);
      const columns = [mac, JSON.stringify(seen), now];
      await manager.query('UPDATE machines SET inventory = $2, inventory_at = $3 WHERE mac = $1', columns);
      await this.closeFirstBoot(manager, macs);
      await this.boxes.noteLinksIn(manager, mac, before, actor);
      return { machine: await manager.findOneByOrFail(MachineEntity, { mac }), macs };
    });
  }

  /** What an agent saw last of the machine, from whichever card of the box it had booted. */
  async lastInventory(mac: MacAddress): Promise<{ inventory: Inventory; at: Date } | undefined> {
    const where = { mac: In(await this.boxes.macsOf(mac)), inventory: Not(IsNull()) };
    const order = { inventoryAt: 'DESC' } as const;
    const record = await this.source.getRepository(MachineEntity).findOne({ where, order });
    if (!record?.inventory || !record.inventoryAt) return undefined;
    return { inventory: record.inventory, at: record.inventoryAt };
  }

  private records(): SelectQueryBuilder<MachineEntity> {
    return this.source.getRepository(MachineEntity).createQueryBuilder('machine');
  }

  private async closeFirstBoot(manager: EntityManager, macs: readonly string[]): Promise<void> {
    await manager.query('UPDATE machines SET first_boot_until = NULL WHERE mac = ANY($1)', [macs]);
  }

  /** Tells whether the record was made by this. */
  private async see(manager: EntityManager, mac: MacAddress, actor: Actor, now: Date): Promise<boolean> {
    const seen = { mac, discoveredAt: now, lastSeenAt: now, lastSeenIp: actor.ip ?? null };
    const inserted = await manager
      .createQueryBuilder()
      .insert()
      .into(MachineEntity)
      .values({ ...DISCOVERED_FIELDS, ...seen })
      .orIgnore()
      .returning('mac')
      .execute();
    if ((inserted.raw as unknown[]).length > 0) {
      const after = { boot_policy: DISCOVERED_FIELDS.bootPolicy };
      await this.events.append(manager, { subject: subject(mac), action: 'machine.discovered', actor, after });
      return true;
    }
    await manager.query(
      `UPDATE machines SET last_seen_at = $2, last_seen_ip = $3, discovered_at = COALESCE(discovered_at, $2)
       WHERE mac = $1`,
      [mac, now, seen.lastSeenIp],
    );
    return false;
  }

  /** Replaces the operator's fields, making the record when there is none, unless `check` throws. Tells whether it was made. */
  async put(
    mac: MacAddress,
    fields: MachineFields,
    actor: Actor,
    check: RevisionCheck,
  ): Promise<{ machine: MachineEntity; created: boolean }> {
    return this.source.transaction(async (manager) => {
      const inserted = await manager
        .createQueryBuilder()
        .insert()
        .into(MachineEntity)
        .values({ mac, ...fields })
        .orIgnore()
        .returning('mac')
        .execute();
      const created = (inserted.raw as unknown[]).length > 0;
      const old = await manager.findOneOrFail(MachineEntity, { where: { mac }, lock: { mode: 'pessimistic_write' } });
      check(created ? undefined : revisionOf(old));
      const before = created ? undefined : auditedFields(old);
      const after = auditedFields(fields, created ? undefined : old);
      if (!created) await manager.update(MachineEntity, { mac }, fields);
      const action = created ? 'machine.created' : 'machine.changed';
      await this.events.append(manager, { subject: subject(mac), action, actor, before, after });
      if (created) await this.boxes.noteLinksIn(manager, mac, [], actor);
      return { machine: await manager.findOneByOrFail(MachineEntity, { mac }), created };
    });
  }

  /** Removes a record, unless `check` throws. Throws NOT_FOUND. */
  async remove(mac: MacAddress, actor: Actor, check: RevisionCheck): Promise<void> {
    await this.source.transaction(async (manager) => {
      const lock = { mode: 'pessimistic_write' } as const;
      const machine = await manager.findOne(MachineEntity, { where: { mac }, lock });
      if (machine !== null) check(revisionOf(machine));
      const { affected } = await manager.delete(MachineEntity, { mac });
      if (machine === null || affected !== 1) throw noSuchMachine(mac);
      const before = auditedFields(machine);
      await this.events.append(manager, { subject: subject(mac), action: 'machine.removed', actor, before });
    });
  }

  /** The completion signal: the machine has been flashed. False when there is no such machine. */
  async markFlashed(mac: MacAddress, actor: Actor, now: Date): Promise<boolean> {
    return this.source.transaction((manager) => this.markFlashedIn(manager, mac, actor, now));
  }

  /** As {@link markFlashed}, within the transaction of `manager`. The boot policy is never changed. */
  async markFlashedIn(manager: EntityManager, mac: string, actor: Actor, now: Date): Promise<boolean> {
    const [[old]] = await manager.query<[{ last_flashed_at: Date | null }[], number]>(
      // The system is a new one: it has other host keys, and has not reported yet.
      `WITH old AS (SELECT mac, last_flashed_at FROM machines WHERE mac = $1 FOR NO KEY UPDATE)
       UPDATE machines SET last_flashed_at = $2, ssh_host_keys = NULL, booted_at = NULL, booted_ip = NULL
       FROM old WHERE machines.mac = old.mac RETURNING old.last_flashed_at`,
      [mac, now],
    );
    if (old === undefined) return false;
    const after = { last_flashed_at: now.toISOString() };
    await this.events.append(manager, { subject: subject(mac), action: 'machine.flashed', actor, before: old, after });
    return true;
  }

  /**
   * Locks the record against removal, and its box against another job, for the rest of the transaction of `manager`, and
   * closes the first boot window: a new flash job wants the live env. Undefined when there is no such machine.
   */
  async claimForJobIn(manager: EntityManager, mac: MacAddress): Promise<MachineEntity | undefined> {
    const box = await this.boxes.lockRecordsIn(manager, mac);
    const open = box.filter((one) => one.firstBootUntil !== null).map((one) => one.mac);
    if (open.length > 0) await this.closeFirstBoot(manager, open);
    return box.find((one) => one.mac === mac);
  }

  /** The live env has been started: the next completion signal may queue a run. */
  async expectRun(mac: MacAddress): Promise<void> {
    await this.source.query('UPDATE machines SET run_due = true WHERE mac = $1', [mac]);
  }

  /** Whether a completion signal may queue a run. True once per start of the live env. */
  async takeRunDueIn(manager: EntityManager, mac: string): Promise<boolean> {
    const [, changed] = await manager.query<[unknown, number]>(
      'UPDATE machines SET run_due = false WHERE mac = $1 AND run_due',
      [mac],
    );
    return changed === 1;
  }

  /** Records that the machine's own system has reported after a boot. False when there is no such machine. */
  async markBooted(mac: MacAddress, actor: Actor, now: Date): Promise<boolean> {
    return this.source.transaction(async (manager) => {
      const ip = actor.ip ?? null;
      const [[before]] = await manager.query<[{ ip: string | null }[], number]>(
        `WITH old AS (SELECT mac, booted_ip FROM machines WHERE mac = $1 FOR NO KEY UPDATE)
         UPDATE machines SET booted_at = $2, booted_ip = $3, last_seen_at = $2
         FROM old WHERE machines.mac = old.mac RETURNING old.booted_ip AS ip`,
        [mac, now, ip],
      );
      if (before === undefined) return false;
      await this.events.append(manager, {
        subject: subject(mac),
        action: 'machine.booted',
        actor,
        before,
        after: { ip },
      });
      return true;
    });
  }

  /** Pins the host keys of the flashed system, unless others are pinned by now; null lets go of them. */
  async setHostKeys(mac: string, hostKeys: readonly string[] | null, actor: Actor): Promise<void> {
    await this.source.transaction(async (manager) => {
      const [[before]] = await manager.query<[{ host_keys: string[] | null }[], number]>(
        `WITH old AS (SELECT mac, ssh_host_keys FROM machines WHERE mac = $1 FOR NO KEY UPDATE)
         UPDATE machines SET ssh_host_keys = $2
         FROM old WHERE machines.mac = old.mac AND ($2::jsonb IS NULL) = (old.ssh_host_keys IS NOT NULL)
         RETURNING old.ssh_host_keys AS host_keys`,
        [mac, hostKeys === null ? null : JSON.stringify(hostKeys)],
      );
      const action = hostKeys === null ? 'machine.host-keys-forgotten' : 'machine.host-keys-pinned';
      const change = { subject: subject(mac), action, actor, before, after: { host_keys: hostKeys } };
      if (before !== undefined) await this.events.append(manager, change);
    });
  }

  /** MAC address of a record whose `cijoe_workflow_ref` is one of these, or begins with `prefix`. */
  async withWorkflow(refs: readonly string[], prefix?: string): Promise<string | undefined> {
    const [found] = await this.source.query<{ mac: string }[]>(
      `SELECT mac FROM machines WHERE cijoe_workflow_ref = ANY($1) OR starts_with(cijoe_workflow_ref, $2) LIMIT 1`,
      [refs, prefix ?? null],
    );
    return found?.mac;
  }

  /** Opens the window in which contacts of the machine, by whichever card, are its first boot after a flash. */
  async openFirstBootWindow(mac: string, until: Date): Promise<void> {
    await this.source.transaction(async (manager) => {
      const macs = await this.boxes.lockIn(manager, mac);
      await manager.query('UPDATE machines SET first_boot_until = $2 WHERE mac = ANY($1)', [macs, until]);
    });
  }
}
