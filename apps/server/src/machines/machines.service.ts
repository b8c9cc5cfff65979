import { BtyError, type MacAddress } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { type Actor, mayActAs, type Role } from '../http/index.js';
import type { MachineDetailDto, MachineDto } from './machine.dto.js';
import type { MachineFields } from './machine-fields.js';
import { MachineJobs } from './machine-jobs.port.js';
import { MachineView } from './machine-view.service.js';
import { MachineWishes } from './machine-wishes.service.js';
import { type MachineFilter, MachinesRepository, noSuchMachine } from './machines.repository.js';

/** What an operator does with machine records. */
@Injectable()
export class MachinesService {
  constructor(
    private readonly machines: MachinesRepository,
    private readonly wishes: MachineWishes,
    private readonly jobs: MachineJobs,
    private readonly view: MachineView,
  ) {}

  async page(filter: MachineFilter, limit: number): Promise<MachineDto[]> {
    return this.view.all(await this.machines.page(filter, limit));
  }

  /** The texts for cloud-init are shown to operators only. Throws NOT_FOUND. */
  async get(mac: MacAddress, role: Role): Promise<MachineDetailDto> {
    const machine = await this.machines.find(mac);
    if (machine === undefined) throw noSuchMachine(mac);
    if (mayActAs(role, 'operator')) return this.view.one(machine);
    const [shown] = await this.view.all([machine]);
    return shown as MachineDto;
  }

  /** Replaces the operator's fields. Throws INVALID_REQUEST for wishes that nobody could carry out. */
  async put(
    mac: MacAddress,
    fields: MachineFields,
    actor: Actor,
  ): Promise<{ machine: MachineDetailDto; created: boolean }> {
    await this.wishes.refuseImpossible(mac, fields);
    const { machine, created } = await this.machines.put(mac, fields, actor);
    return { machine: await this.view.one(machine), created };
  }

  /** Throws NOT_FOUND. */
  async forgetHostKeys(mac: MacAddress, actor: Actor): Promise<void> {
    if ((await this.machines.find(mac)) === undefined) throw noSuchMachine(mac);
    await this.machines.setHostKeys(mac, null, actor);
  }

  /** Throws NOT_FOUND, and IN_USE while a flash job of the machine is active. */
  async remove(mac: MacAddress, actor: Actor): Promise<void> {
    const active = (await this.jobs.summaries([mac])).get(mac)?.active;
    if (active !== undefined) {
      const details = { job_id: active.id };
      throw new BtyError('IN_USE', `flash job ${active.id} of this machine is active; cancel it first`, { details });
    }
    await this.machines.remove(mac, actor);
  }
}
