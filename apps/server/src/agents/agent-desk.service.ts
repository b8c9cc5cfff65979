import type { AgentHello, AgentMessage, JobRef, MacAddress, ServerMessage } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { AgentAdmission } from './agent-admission.service.js';
import { AgentOrders } from './agent-orders.service.js';
import { AgentReports } from './agent-reports.service.js';
import type { Agent, AgentDesk, AgentOrigin } from './agent-session.js';

/** What sessions ask of the rest of the server. */
@Injectable()
export class ServerDesk implements AgentDesk {
  constructor(
    private readonly admission: AgentAdmission,
    private readonly orders: AgentOrders,
    private readonly reports: AgentReports,
  ) {}

  async admit(
    hello: AgentHello,
    mac: MacAddress,
    origin: AgentOrigin,
  ): Promise<{ agent: Agent; secret: string } | undefined> {
    return this.admission.admit(hello, mac, origin);
  }

  async greet(agent: Agent, hello: AgentHello): Promise<ServerMessage[]> {
    return this.orders.greet(agent, hello);
  }

  async review(agent: Agent, held: JobRef | undefined): Promise<ServerMessage[]> {
    return this.orders.review(agent, held);
  }

  async take(agent: Agent, message: Exclude<AgentMessage, AgentHello>): Promise<ServerMessage[]> {
    return this.reports.take(agent, message);
  }
}
