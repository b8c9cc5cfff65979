import { CLOSE_CODES } from '@bty/wire-types';
import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { type EventEntity, EventsRepository, EventTail } from '../events/index.js';
import type { AgentDispatcher } from '../flash-jobs/index.js';
import type { AgentPresence } from '../machines/index.js';
import { AgentPresencesRepository, type PresentAgent } from './agent-presences.repository.js';
import type { Agent, AgentRoster, AgentSession } from './agent-session.js';

/** How often agents that wait for something which nobody announces look again. */
const REVIEW_INTERVAL_MS = 2_000;
/** How often this process says which agents it has: a third of the time after which the others take it for dead. */
const RENEW_INTERVAL_MS = 15_000;
const NORMAL_CLOSURE = 1000;
/** What happens to a job without its agent, and perhaps at another replica. */
const NEWS = new Set(['flash-job.created', 'flash-job.queued', 'flash-job.failed', 'flash-job.cancelled']);

interface Connected {
  readonly agent: Agent;
  readonly session: AgentSession;
  /** Whether the other servers know. */
  told: boolean;
}

/** The agents that are connected to this process, one for a machine; and what is known of those of other processes. */
@Injectable()
export class ConnectedAgents
  implements
    AgentRoster,
    AgentDispatcher,
    AgentPresence,
    OnApplicationBootstrap,
    OnModuleDestroy,
    BeforeApplicationShutdown
{
  private readonly byMac = new Map<string, Connected>();
  private readonly log = new Logger('Agents');
  private readonly timers: NodeJS.Timeout[] = [];
  private following: Promise<void> | undefined;
  private stopping = false;

  constructor(
    private readonly tail: EventTail,
    private readonly events: EventsRepository,
    private readonly presences: AgentPresencesRepository,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.presences.removeStale();
    this.timers.push(setInterval(() => this.wakeWaiting(), REVIEW_INTERVAL_MS).unref());
    const renew = () => {
      this.renew().catch((error: unknown) => this.log.warn(`other servers do not hear of agents: ${String(error)}`));
    };
    this.timers.push(setInterval(renew, RENEW_INTERVAL_MS).unref());
  }

  onModuleDestroy(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await this.presences.leaveAll().catch((error: unknown) => {
      this.log.warn(`other servers take the agents of this one for connected for a while: ${String(error)}`);
    });
  }

  get connectedCount(): number {
    return this.byMac.size;
  }

  enter(agent: Agent, session: AgentSession): void {
    // One box runs one live env: an agent that has booted from another of its cards is gone, or must go.
    const older = agent.macs.map((mac) => this.byMac.get(mac)).filter((entry) => entry !== undefined);
    const entry = { agent, session, told: false };
    this.byMac.set(agent.mac, entry);
    this.followEvents();
    for (const rival of older) this.dismiss(rival, agent.sessionId);
    this.tell(entry).catch((error: unknown) =>
      this.log.warn(`that ${agent.mac} is here is not on record: ${String(error)}`),
    );
  }

  leave(agent: Agent, session: AgentSession): void {
    if (this.byMac.get(agent.mac)?.session !== session) return;
    this.byMac.delete(agent.mac);
    if (this.stopping) return;
    this.presences.leave(agent.mac).catch((error: unknown) => {
      this.log.warn(`that ${agent.mac} is gone is not on record: ${String(error)}`);
    });
  }

  notify(mac: string): void {
    for (const { agent, session } of this.byMac.values()) if (agent.macs.includes(mac)) session.wake();
  }

  isHere(mac: string): boolean {
    return this.byMac.has(mac);
  }

  async connectedAmong(macs: readonly string[]): Promise<ReadonlySet<string>> {
    const here = macs.filter((mac) => this.isHere(mac));
    const elsewhere = await this.presences.elsewhere(macs.filter((mac) => !this.isHere(mac)));
    return new Set([...here, ...elsewhere.keys()]);
  }

  /** Says to the other servers that the agent is here. Throws when that cannot be stored: the next round says it again. */
  private async tell(entry: Connected): Promise<void> {
    if (this.stopping) return;
    const { agent } = entry;
    const older = await this.presences.enter(agent);
    entry.told = true;
    // It may have gone meanwhile, when there was nothing to remove yet.
    if (!this.isHere(agent.mac)) await this.presences.leave(agent.mac);
    for (const rival of older) {
      if (rival.sessionId !== agent.sessionId && rival.ip !== agent.ip) await this.noteClaim(agent, rival);
    }
  }

  /** All agents at once; those that are not this server's any more are connected to another since, and told to go. */
  private async renew(): Promise<void> {
    const entries = [...this.byMac.values()];
    for (const entry of entries) if (!entry.told) await this.tell(entry);
    const lost = await this.presences.renew(entries.map(({ agent }) => agent.mac));
    const gone = entries.filter((entry) => lost.has(entry.agent.mac) && this.byMac.get(entry.agent.mac) === entry);
    const sessions = await this.presences.elsewhere(gone.flatMap(({ agent }) => agent.macs));
    for (const entry of gone) {
      const taken = entry.agent.macs.find((mac) => sessions.has(mac));
      if (taken === undefined) await this.tell(entry);
      else this.dismiss(entry, sessions.get(taken));
    }
  }

  private dismiss({ agent, session }: Connected, newerSessionId: string | undefined): void {
    // The same agent over a new connection is no rival: it must not be told to stop writing.
    if (agent.sessionId === newerSessionId) session.close(NORMAL_CLOSURE, 'connected again');
    else session.close(CLOSE_CODES.SUPERSEDED, 'a newer agent of this machine is connected');
  }

  /** A machine whose agent is connected does not boot at another address: somebody else may have taken its MAC address. */
  private async noteClaim({ mac, ip }: Agent, older: PresentAgent): Promise<void> {
    const before = { mac: older.mac, ip: older.ip };
    const actor = { name: `agent:${mac}`, ip };
    const claim = { subject: `machine/${mac}`, action: 'machine.claimed', actor, before, after: { mac, ip } };
    this.log.warn(`${mac} is claimed from ${ip} while its agent at ${older.ip} is connected`);
    await this.events.note(claim);
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
