import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AdminTokenService } from './admin-token.service.js';
import { AgentSessionEntity } from './agent-session.entity.js';
import { AgentSessionsRepository } from './agent-sessions.repository.js';
import { ApiTokenEntity } from './api-token.entity.js';
import { ApiTokensRepository } from './api-tokens.repository.js';
import { BootTokenEntity } from './boot-token.entity.js';
import { BootTokensRepository } from './boot-tokens.repository.js';

/** Credentials of operators, of booting machines and of agents. */
@Module({
  imports: [TypeOrmModule.forFeature([ApiTokenEntity, BootTokenEntity, AgentSessionEntity])],
  providers: [AdminTokenService, ApiTokensRepository, BootTokensRepository, AgentSessionsRepository],
  exports: [AdminTokenService, ApiTokensRepository, BootTokensRepository, AgentSessionsRepository],
})
export class AuthModule {}
