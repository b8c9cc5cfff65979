import { CLOSE_CODES } from '@bty/wire-types';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type EventEntity, EventsRepository, EventTail } from '../events/index.js';
import type { AgentDispatcher } from '../flash-jobs/index.js';
import type { AgentPresence } from '../machines/index.js';
import type { Agent, AgentRoster, AgentSession } from './agent-session.js';

/** How often agents that wait for something which nobody announces look again. */
const REVIEW_INTERVAL_MS = 2_000;
const NORMAL_CLOSURE = 1000;
/** What happens to a job without its agent, and perhaps at another replica. */
const NEWS = new Set(['flash-job.created', 'flash-job.queued', 'flash-job.failed', 'flash-job.cancelled']);

/** The agents that are connected to this process, one for a machine. */
@Injectable()
export class ConnectedAgents
  implements AgentRoster, AgentDispatcher, AgentPresence, OnApplicationBootstrap, OnModuleDestroy
{
  private readonly byMac = new Map<string, { agent: Agent; session: AgentSession }>();
  private readonly log = new Logger('Agents');
  private timer: NodeJS.Timeout | undefined;
  private following: Promise<void> | undefined;

  constructor(
    private readonly tail: EventTail,
    private readonly events: EventsRepository,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.wakeWaiting(), REVIEW_INTERVAL_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  get connectedCount(): number {
    return this.byMac.size;
  }

  enter(agent: Agent, session: AgentSession): void {
    // One box runs one live env: an agent that has booted from another of its cards is gone, or must go.
    const older = agent.macs.map((mac) => this.byMac.get(mac)).filter((entry) => entry !== undefined);
    this.byMac.set(agent.mac, { agent, session });
    this.followEvents();
    for (const rival of older) {
      // The same agent over a new connection is no rival: it must not be told to stop writing.
      if (rival.agent.sessionId === agent.sessionId) rival.session.close(NORMAL_CLOSURE, 'connected again');
      else {
        rival.session.close(CLOSE_CODES.SUPERSEDED, 'a newer agent of this machine is connected');
        if (rival.agent.ip !== agent.ip) this.noteClaim(agent, rival.agent);
      }
    }
  }

  /** A machine whose agent is connected does not boot at another address: somebody else may have taken its MAC address. */
  private noteClaim({ mac, ip }: Agent, older: Agent): void {
    const before = { mac: older.mac, ip: older.ip };
    const actor = { name: `agent:${mac}`, ip };
    const claim = { subject: `machine/${mac}`, action: 'machine.claimed', actor, before, after: { mac, ip } };
    this.log.warn(`${mac} is claimed from ${ip} while its agent at ${older.ip} is connected`);
    this.events.note(claim).catch((error: unknown) => this.log.warn(`that is not on record: ${String(error)}`));
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

  /** Jobs are made and cancelled at any replica; the events tell all of them. Begins with the first agent. */
  private followEvents(): void {
    if (this.following !== undefined) return;
    const hear = (events: readonly EventEntity[]): void => {
      for (const { action, after } of events) if (NEWS.has(action)) this.notify(String(after?.['mac']));
    };
    this.following = this.tail.follow(hear).then(() => {
      // What was ordered before this took hold was not heard.
      for (const { session } of this.byMac.values()) session.wake();
    });
    this.following.catch((error: unknown) => {
      this.log.warn(`the events of other servers cannot be followed yet: ${String(error)}`);
      this.following = undefined;
    });
  }

  private wakeWaiting(): void {
    if (this.byMac.size > 0) this.followEvents();
    for (const { agent, session } of this.byMac.values()) if (agent.waits) session.wake();
  }
}
