import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthModule } from '../auth/index.js';
import { AgentDispatcher, FlashJobsModule } from '../flash-jobs/index.js';
import { AgentPresence, MachinesModule } from '../machines/index.js';
import { AgentAdmission } from './agent-admission.service.js';
import { ServerDesk } from './agent-desk.service.js';
import { AgentOrders } from './agent-orders.service.js';
import { AgentPresenceEntity } from './agent-presence.entity.js';
import { AgentPresencesRepository } from './agent-presences.repository.js';
import { AgentReports } from './agent-reports.service.js';
import { AgentsGateway } from './agents.gateway.js';
import { ConnectedAgents } from './connected-agents.service.js';

/** Global, because the features below have ports that this one answers. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([AgentPresenceEntity]), AuthModule, FlashJobsModule, MachinesModule],
  providers: [
    AgentAdmission,
    AgentOrders,
    AgentPresencesRepository,
    AgentReports,
    AgentsGateway,
    ConnectedAgents,
    ServerDesk,
    { provide: AgentDispatcher, useExisting: ConnectedAgents },
    { provide: AgentPresence, useExisting: ConnectedAgents },
  ],
  exports: [AgentDispatcher, AgentPresence],
})
export class AgentsModule {}
