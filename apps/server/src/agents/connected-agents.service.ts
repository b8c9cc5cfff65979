import { CLOSE_CODES } from '@bty/wire-types';
import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { AgentDispatcher } from '../flash-jobs/index.js';
import type { AgentPresence } from '../machines/index.js';
import type { Agent, AgentRoster, AgentSession } from './agent-session.js';

/** How often agents that wait for something which nobody announces look again. */
const REVIEW_INTERVAL_MS = 2_000;
const NORMAL_CLOSURE = 1000;

/** The agents that are connected to this process, one for a machine. */
@Injectable()
export class ConnectedAgents
  implements AgentRoster, AgentDispatcher, AgentPresence, OnApplicationBootstrap, OnModuleDestroy
{
  private readonly byMac = new Map<string, { agent: Agent; session: AgentSession }>();
  private timer: NodeJS.Timeout | undefined;

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.wakeWaiting(), REVIEW_INTERVAL_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  enter(agent: Agent, session: AgentSession): void {
    // One box runs one live env: an agent that has booted from another of its cards is gone, or must go.
    const older = agent.macs.map((mac) => this.byMac.get(mac)).filter((entry) => entry !== undefined);
    this.byMac.set(agent.mac, { agent, session });
    for (const rival of older) {
      // The same agent over a new connection is no rival: it must not be told to stop writing.
      if (rival.agent.sessionId === agent.sessionId) rival.session.close(NORMAL_CLOSURE, 'connected again');
      else rival.session.close(CLOSE_CODES.SUPERSEDED, 'a newer agent of this machine is connected');
    }
  }

  leave(agent: Agent, session: AgentSession): void {
    if (this.byMac.get(agent.mac)?.session === session) this.byMac.delete(agent.mac);
  }

  notify(mac: string): void {
    for (const { agent, session } of this.byMac.values()) if (agent.macs.includes(mac)) session.wake();
  }

  isConnected(mac: string): boolean {
    return this.byMac.has(mac);
  }

  private wakeWaiting(): void {
    for (const { agent, session } of this.byMac.values()) if (agent.waits) session.wake();
  }
}
