import { type AgentHello, BtyError, type FlashCancel, type JobRef, type ServerMessage } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import {
  FlashHandOut,
  FlashJobCreate,
  type FlashJobEntity,
  FlashJobsRepository,
  isHeld,
  stopOf,
} from '../flash-jobs/index.js';
import { MachinesRepository } from '../machines/index.js';
import type { Agent } from './agent-session.js';

function reboot(reason: string): ServerMessage {
  return { type: 'agent.reboot', reason };
}

/** Finds out what an agent has to do. */
@Injectable()
export class AgentOrders {
  constructor(
    private readonly jobs: FlashJobsRepository,
    private readonly handOut: FlashHandOut,
    private readonly creation: FlashJobCreate,
    private readonly machines: MachinesRepository,
  ) {}

  /** What an agent has to do that has just connected. */
  async greet(agent: Agent, hello: AgentHello): Promise<ServerMessage[]> {
    const active = await this.jobs.activeOf(agent.mac);
    const { current_job: current } = hello;
    if (current !== undefined) {
      // What it does is still wanted: it just goes on, and nothing has to be said.
      if (active?.id === current.job_id && stopOf(active, current) === undefined) return [];
      return [...(await this.cancelStale(current)), ...(await this.next(agent, active))];
    }
    if (active !== undefined) return this.next(agent, active);
    const last = await this.jobs.lastOfSession(agent.sessionId);
    if (last?.state === 'succeeded' && (last.kind === 'flash' || hello.mode === 'flash')) {
      return [reboot(`this boot has done its ${last.kind} already`)];
    }
    if (hello.boot_token !== undefined && hello.mode === 'flash' && !agent.policyDue) {
      const policy = (await this.machines.find(agent.mac))?.bootPolicy;
      if (policy === 'local') return [reboot('there is nothing to flash any more')];
    }
    return this.next(agent, undefined);
  }

  /** What has changed for an agent; `held` is the job that it was given. */
  async review(agent: Agent, held: JobRef | undefined): Promise<ServerMessage[]> {
    const active = await this.jobs.activeOf(agent.mac);
    if (held === undefined) return active !== undefined && isHeld(active.state) ? [] : this.next(agent, active);
    if (active?.id === held.job_id && stopOf(active, held) === undefined) return [];
    return [...(await this.cancelStale(held)), ...(await this.next(agent, active))];
  }

  private async next(agent: Agent, active: FlashJobEntity | undefined): Promise<ServerMessage[]> {
    const job = active ?? (agent.policyDue ? await this.byPolicy(agent) : undefined);
    const actor = { name: `agent:${agent.mac}`, ip: agent.ip };
    const order = job === undefined ? undefined : await this.handOut.give(job.id, agent, actor, new Date());
    // Another agent of the machine may bring the job to its end at this very moment: this boot has not had its own then.
    const overtaken = order === undefined && job !== undefined && (await this.jobs.find(job.id))?.state === 'succeeded';
    if (job !== undefined && !overtaken) agent.policyDue = false;
    agent.waits = agent.policyDue || (order === undefined && (await this.jobs.activeOf(agent.mac)) !== undefined);
    return order === undefined ? [] : [order];
  }

  private async byPolicy(agent: Agent): Promise<FlashJobEntity | undefined> {
    const machine = await this.machines.find(agent.mac);
    if (machine?.bootPolicy !== 'flash' || machine.image === null) {
      agent.policyDue = false;
      return undefined;
    }
    try {
      return await this.creation.byPolicy(agent.mac, { name: 'policy', ip: agent.ip }, new Date());
    } catch (error) {
      // Somebody ordered a job at the same moment: that one is to be done.
      if (error instanceof BtyError && error.code === 'JOB_ACTIVE') return this.jobs.activeOf(agent.mac);
      throw error;
    }
  }

  private async cancelStale(ref: JobRef): Promise<FlashCancel[]> {
    const job = await this.jobs.find(ref.job_id);
    // Its result is on the way: an agent that has succeeded still has to say so, and hears the acknowledgement then.
    if (job?.state === 'succeeded' && job.epoch === ref.epoch) return [];
    const stop = job === undefined ? { code: 'NOT_FOUND' as const, reason: 'there is no such job' } : stopOf(job, ref);
    if (stop === undefined) return [];
    return [{ type: 'flash.cancel', job_id: ref.job_id, epoch: ref.epoch, ...stop }];
  }
}
