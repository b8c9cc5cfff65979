export { AdminTokenService } from './admin-token.service.js';
export { AgentSessionEntity } from './agent-session.entity.js';
export { AgentSessionsRepository } from './agent-sessions.repository.js';
export { ApiTokenEntity } from './api-token.entity.js';
export { ApiTokensRepository } from './api-tokens.repository.js';
export { AuthModule } from './auth.module.js';
export { BootTokenEntity } from './boot-token.entity.js';
export { BootTokensRepository, type OpenedSession } from './boot-tokens.repository.js';
export { requireToken } from './require-token.js';
