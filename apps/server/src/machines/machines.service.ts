import { BtyError, type MacAddress, SEED_TEXT_NAMES } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { type Actor, mayActAs, type RevisionCheck, type Role } from '../http/index.js';
import type { MachineDetailDto, MachineDto } from './machine.dto.js';
import type { MachineEntity } from './machine.entity.js';
import type { MachineFields } from './machine-fields.js';
import { MachineJobs } from './machine-jobs.port.js';
import { type MachineFilter, MachineListRepository, type MachineOrder } from './machine-list.repository.js';
import { MachineView, type ShownMachine } from './machine-view.service.js';
import { MachineWishes } from './machine-wishes.service.js';
import { MachinesRepository, noSuchMachine, revisionOf } from './machines.repository.js';

/** How often a change begins anew because others change the same record. */
const MAX_TRIES = 5;

/** What an operator does with machine records. */
@Injectable()
export class MachinesService {
  constructor(
    private readonly machines: MachinesRepository,
    private readonly list: MachineListRepository,
    private readonly wishes: MachineWishes,
    private readonly jobs: MachineJobs,
    private readonly view: MachineView,
  ) {}

  async page(filter: MachineFilter, order: MachineOrder, limit: number): Promise<MachineDto[]> {
    return this.view.all(await this.list.page(filter, order, limit));
  }

  /** Those of the records that there are, in any order. */
  async some(macs: readonly string[]): Promise<MachineDto[]> {
    return this.view.all(await this.machines.findAll(macs));
  }

  /** The texts for cloud-init are shown to operators only. Throws NOT_FOUND. */
  async get(mac: MacAddress, role: Role): Promise<ShownMachine> {
    const record = await this.find(mac);
    const shown = await this.view.one(record);
    return { ...shown, machine: mayActAs(role, 'operator') ? shown.machine : withoutTexts(shown.machine) };
  }

  /** Replaces the operator's fields. Throws INVALID_REQUEST for wishes that nobody could carry out. */
  async put(
    mac: MacAddress,
    fields: MachineFields,
    actor: Actor,
    check: RevisionCheck,
  ): Promise<ShownMachine & { created: boolean }> {
    await this.wishes.refuseImpossible(mac, fields);
    const { machine, created } = await this.machines.put(mac, fields, actor, check);
    return { ...(await this.view.one(machine)), created };
  }

  /**
   * Changes some of the operator's fields: `change` makes all of them from those of the record. Whoever else changes the
   * record meanwhile is not overwritten. Throws NOT_FOUND, INVALID_REQUEST.
   */
  async change(
    mac: MacAddress,
    change: (record: MachineFields) => Promise<MachineFields>,
    actor: Actor,
    check: RevisionCheck,
  ): Promise<ShownMachine> {
    for (let tries = 1; ; tries += 1) {
      const record = await this.find(mac);
      const seen = revisionOf(record);
      const fields = await change(record);
      let overtaken = false;
      try {
        return await this.put(mac, fields, actor, (revision) => {
          check(revision);
          overtaken = revision !== seen;
          if (overtaken) throw new BtyError('CONFLICT', 'somebody else changed the record meanwhile; try again');
        });
      } catch (error) {
        if (!overtaken || tries === MAX_TRIES) throw error;
      }
    }
  }

  /** Throws NOT_FOUND. */
  async forgetHostKeys(mac: MacAddress, actor: Actor): Promise<void> {
    await this.find(mac);
    await this.machines.setHostKeys(mac, null, actor);
  }

  /** Throws NOT_FOUND, and IN_USE while a flash job of the machine is active. */
  async remove(mac: MacAddress, actor: Actor, check: RevisionCheck): Promise<void> {
    const active = (await this.jobs.summaries([mac])).get(mac)?.active;
    if (active !== undefined) {
      const details = { job_id: active.id };
      throw new BtyError('IN_USE', `flash job ${active.id} of this machine is active; cancel it first`, { details });
    }
    await this.machines.remove(mac, actor, check);
  }

  private async find(mac: MacAddress): Promise<MachineEntity> {
    const machine = await this.machines.find(mac);
    if (machine === undefined) throw noSuchMachine(mac);
    return machine;
  }
}

function withoutTexts(machine: MachineDetailDto): MachineDto {
  const texts: readonly string[] = SEED_TEXT_NAMES;
  return Object.fromEntries(
    Object.entries(machine).filter(([field]) => !texts.includes(field)),
  ) as unknown as MachineDto;
}
