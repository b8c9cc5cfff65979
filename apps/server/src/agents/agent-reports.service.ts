import type { AgentHello, AgentMessage, CommitRequest, ServerMessage } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { AgentSessionsRepository } from '../auth/index.js';
import { FlashLogsRepository, FlashProgressBuffer, FlashReports } from '../flash-jobs/index.js';
import type { Agent } from './agent-session.js';

/** After it has said that it reboots, a session still holds this long: the acknowledgement may get lost on the way. */
const FAREWELL_MS = 60_000;

/** Takes what agents say about their jobs. */
@Injectable()
export class AgentReports {
  constructor(
    private readonly reports: FlashReports,
    private readonly progress: FlashProgressBuffer,
    private readonly logs: FlashLogsRepository,
    private readonly sessions: AgentSessionsRepository,
  ) {}

  /** Stores a message and returns the answer. Throws NOT_FOUND for a job that is not the machine's. */
  async take(agent: Agent, message: Exclude<AgentMessage, AgentHello>): Promise<ServerMessage[]> {
    const now = new Date();
    const actor = { name: `agent:${agent.mac}`, ip: agent.ip };
    switch (message.type) {
      case 'flash.progress':
        this.progress.report(agent.sessionId, message, now);
        return [];
      case 'commit.request':
        return [await this.commit(agent, message, now)];
      case 'flash.stage':
        await this.reports.jobOf(agent, message);
        await this.reports.stage(message, actor, now);
        break;
      case 'flash.finished':
        await this.reports.jobOf(agent, message, 'flash');
        await this.reports.finished(message, actor, now);
        break;
      case 'check.finished':
        await this.reports.jobOf(agent, message, 'check');
        await this.reports.checked(message, actor, now);
        break;
      case 'flash.log':
        await this.reports.jobOf(agent, message);
        await this.logs.add(message);
        break;
      case 'agent.rebooting':
        await this.reports.rebooting(message, agent, now);
        await this.sessions.end(agent.sessionId, new Date(now.getTime() + FAREWELL_MS));
        break;
    }
    return [{ type: 'report.ack', seq: message.seq }];
  }

  private async commit(agent: Agent, request: CommitRequest, now: Date): Promise<ServerMessage> {
    const ref = { job_id: request.job_id, epoch: request.epoch };
    await this.reports.jobOf(agent, ref, 'flash');
    const stop = await this.reports.grantCommit(ref, { name: `agent:${agent.mac}`, ip: agent.ip }, now);
    return stop === undefined ? { type: 'commit.grant', ...ref } : { type: 'commit.refuse', ...ref, ...stop };
  }
}
