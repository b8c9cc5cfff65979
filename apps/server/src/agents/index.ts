export { AgentPresenceEntity } from './agent-presence.entity.js';
export { AgentsGateway } from './agents.gateway.js';
export { AgentsModule } from './agents.module.js';
