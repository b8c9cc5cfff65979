import { randomUUID } from 'node:crypto';
import { type Inventory, type MacAddress, parseMacAddress } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { plainRows } from '../db/index.js';
import { EventsRepository } from '../events/index.js';
import type { Actor } from '../http/index.js';
import { MachineEntity } from './machine.entity.js';

/** SQL: the MAC addresses of the box that the card `:mac` is in, an array with its own. */
export const MACS_OF_BOX = `ARRAY(SELECT CAST(:mac AS text) UNION SELECT other.mac FROM machine_nics own
  JOIN machine_nics other ON other.box = own.box WHERE own.mac = :mac)`;

/**
 * Which network cards are in one box, and so which machine records are of one machine. Cards are together when an agent
 * has seen them together, under the same DMI UUID; a card that is seen in another box belongs to that one. A machine
 * without a DMI UUID has as many boxes as records.
 */
@Injectable()
export class MachineBoxesRepository {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventsRepository,
  ) {}

  /** The MAC addresses of the box that a card is in, the card's own first; some may have no record. */
  async macsOf(mac: string, manager: EntityManager = this.source.manager): Promise<string[]> {
    const rows = await manager.query<{ mac: string }[]>(
      `SELECT other.mac FROM machine_nics own JOIN machine_nics other ON other.box = own.box
       WHERE own.mac = $1 AND other.mac <> $1 ORDER BY other.mac`,
      [mac],
    );
    return [mac, ...rows.map((row) => row.mac)];
  }

  /** For each of these records that has any: the other records of the same box, sorted. */
  async linkedTo(
    macs: readonly string[],
    manager: EntityManager = this.source.manager,
  ): Promise<ReadonlyMap<string, string[]>> {
    const rows = await manager.query<{ mac: string; linked: string[] }[]>(
      `SELECT own.mac, array_agg(other.mac ORDER BY other.mac) AS linked
       FROM machines JOIN machine_nics own ON own.mac = machines.mac
       JOIN machine_nics other ON other.box = own.box AND other.mac <> own.mac
       JOIN machines record ON record.mac = other.mac
       WHERE own.mac = ANY($1) GROUP BY own.mac`,
      [macs],
    );
    return new Map(rows.map(({ mac, linked }) => [mac, linked]));
  }

  /** As {@link linkedTo} for one record. */
  async linksOf(mac: string, manager: EntityManager = this.source.manager): Promise<string[]> {
    return (await this.linkedTo([mac], manager)).get(mac) ?? [];
  }

  /** Writes an event at both ends of each link of a record that it did not have before. */
  async noteLinksIn(manager: EntityManager, mac: string, before: readonly string[], actor: Actor): Promise<void> {
    const fresh = (await this.linksOf(mac, manager)).filter((linked) => !before.includes(linked));
    const ends = fresh.flatMap((other) => [[mac, other] as const, [other, mac] as const]);
    for (const [own, linked] of ends) {
      const change = { subject: `machine/${own}`, action: 'machine.linked', actor, after: { linked_mac: linked } };
      await this.events.append(manager, change);
    }
  }

  /**
   * As {@link macsOf}, and locks the records of the box for the rest of the transaction of `manager`: in one order, so
   * that nobody waits in a circle. To be called before any single record is locked.
   */
  async lockIn(manager: EntityManager, mac: string): Promise<string[]> {
    const macs = await this.macsOf(mac, manager);
    await manager.query('SELECT mac FROM machines WHERE mac = ANY($1) ORDER BY mac FOR UPDATE', [macs]);
    return macs;
  }

  /** As {@link lockIn}, and returns the records. */
  async lockRecordsIn(manager: EntityManager, mac: string): Promise<MachineEntity[]> {
    const query = manager
      .createQueryBuilder(MachineEntity, 'machine')
      .where(`machine.mac = ANY(${MACS_OF_BOX})`, { mac })
      .orderBy('machine.mac')
      .setLock('pessimistic_write');
    return plainRows(query);
  }

  /** Stores which cards an agent sees in its machine; it has booted from the card `mac`. */
  async seeIn(manager: EntityManager, mac: MacAddress, inventory: Inventory, now: Date): Promise<void> {
    const { dmi_uuid: uuid, nics } = inventory;
    if (uuid === undefined) return;
    const seen = nics.map((nic) => parseMacAddress(nic.mac)).filter((nic) => nic !== undefined);
    const macs = [...new Set([mac, ...seen])].sort();
    const [known] = await manager.query<{ box: string }[]>(
      'SELECT box FROM machine_nics WHERE mac = ANY($1) AND dmi_uuid = $2 ORDER BY (mac = $3) DESC, seen_at DESC LIMIT 1',
      [macs, uuid, mac],
    );
    await manager.query(
      `INSERT INTO machine_nics (mac, box, dmi_uuid, seen_at) SELECT unnest($1::text[]), $2::uuid, $3::text, $4::timestamptz
       ON CONFLICT (mac) DO UPDATE SET box = excluded.box, dmi_uuid = excluded.dmi_uuid, seen_at = excluded.seen_at`,
      [macs, known?.box ?? randomUUID(), uuid, now],
    );
  }
}
