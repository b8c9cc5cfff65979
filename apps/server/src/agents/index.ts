export { AgentsGateway } from './agents.gateway.js';
export { AgentsModule } from './agents.module.js';
