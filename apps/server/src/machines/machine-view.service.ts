import { Injectable } from '@nestjs/common';
import { type MachineDetailDto, type MachineDto, toMachineDto } from './machine.dto.js';
import type { MachineEntity } from './machine.entity.js';
import { MachineBoxesRepository } from './machine-boxes.repository.js';
import { MachineCondition } from './machine-condition.port.js';
import { seedTextsOf } from './machine-fields.js';
import { AgentPresence, MachineJobs } from './machine-jobs.port.js';
import { revisionOf } from './machines.repository.js';

/** What the API shows of a machine, and which revision of its record that is. */
export interface ShownMachine {
  readonly machine: MachineDetailDto;
  readonly revision: string;
}

/** Shows records together with what else is known of their machines. */
@Injectable()
export class MachineView {
  constructor(
    private readonly boxes: MachineBoxesRepository,
    private readonly jobs: MachineJobs,
    private readonly agents: AgentPresence,
    private readonly conditions: MachineCondition,
  ) {}

  async all(machines: readonly MachineEntity[]): Promise<MachineDto[]> {
    const macs = machines.map(({ mac }) => mac);
    const [jobs, linked, conditions, connected] = await Promise.all([
      this.jobs.summaries(macs),
      this.boxes.linkedTo(macs),
      this.conditions.summaries(macs),
      this.agents.connectedAmong(macs),
    ]);
    return machines.map((machine) =>
      toMachineDto(machine, {
        jobs: jobs.get(machine.mac) ?? {},
        linkedMacs: linked.get(machine.mac) ?? [],
        condition: conditions.get(machine.mac),
        agentConnected: connected.has(machine.mac),
      }),
    );
  }

  async one(machine: MachineEntity): Promise<ShownMachine> {
    const [shown] = await this.all([machine]);
    return { machine: { ...(shown as MachineDto), ...seedTextsOf(machine) }, revision: revisionOf(machine) };
  }
}
