import type { AgentHello, MacAddress } from '@bty/wire-types';
import { Injectable, Logger } from '@nestjs/common';
import { AgentSessionsRepository, BootTokensRepository, GuessingLimits, type OpenedSession } from '../auth/index.js';
import { EventsRepository } from '../events/index.js';
import { MachinesRepository } from '../machines/index.js';
import type { Agent, AgentOrigin } from './agent-session.js';

/** Checks the credentials of agents. */
@Injectable()
export class AgentAdmission {
  private readonly log = new Logger('Agents');

  constructor(
    private readonly tokens: BootTokensRepository,
    private readonly sessions: AgentSessionsRepository,
    private readonly machines: MachinesRepository,
    private readonly events: EventsRepository,
    private readonly limits: GuessingLimits,
  ) {}

  /** Opens or goes on with a session and stores what the agent sees of its machine. Undefined: the credential is not valid. */
  async admit(
    hello: AgentHello,
    mac: MacAddress,
    { ip, serverUrl }: AgentOrigin,
  ): Promise<{ agent: Agent; secret: string } | undefined> {
    const now = new Date();
    const actor = { name: `agent:${mac}`, ip };
    const session = await this.sessionOf(hello, mac, now);
    if (session === undefined) {
      this.log.warn(`an agent that says it is ${mac} at ${ip} has no valid credential`);
      const credential = hello.boot_token === undefined ? 'session' : 'boot_token';
      const after = { credential };
      // Whoever goes on guessing does not fill the record of events.
      if (await this.limits.noteWrongToken(ip))
        await this.events.note({ subject: `machine/${mac}`, action: 'agent.refused', actor, after });
      return undefined;
    }
    const { machine, macs } = await this.machines.agentConnected(mac, hello.inventory, actor, now);
    this.log.log(`agent ${hello.agent_version} of ${mac} at ${ip} is connected (${hello.mode})`);
    const policyDue = hello.boot_token !== undefined && hello.mode === 'flash' && machine.bootPolicy === 'flash';
    return {
      agent: { mac, macs, ip, serverUrl, sessionId: session.id, policyDue, waits: false },
      secret: session.secret,
    };
  }

  private async sessionOf(hello: AgentHello, mac: MacAddress, now: Date): Promise<OpenedSession | undefined> {
    if (hello.boot_token !== undefined) return this.tokens.exchange(mac, hello.boot_token, hello.nonce, now);
    const secret = hello.session ?? '';
    const id = await this.sessions.find(mac, secret, now);
    return id === undefined ? undefined : { id, secret };
  }
}
