import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccessGuard, PoolMembers } from '../http/index.js';
import { AdminTokenService } from './admin-token.service.js';
import { AdminUserService } from './admin-user.service.js';
import { AgentSessionEntity } from './agent-session.entity.js';
import { AgentSessionsRepository } from './agent-sessions.repository.js';
import { ApiTokenEntity } from './api-token.entity.js';
import { ApiTokensController } from './api-tokens.controller.js';
import { ApiTokensRepository } from './api-tokens.repository.js';
import { BootTokenEntity } from './boot-token.entity.js';
import { BootTokensRepository } from './boot-tokens.repository.js';
import { Credentials } from './credentials.service.js';
import { GuessCountEntity } from './guess-count.entity.js';
import { GuessCounts } from './guess-counts.repository.js';
import { GuessingLimits } from './guessing-limits.service.js';
import { LoginController } from './login.controller.js';
import { LoginService } from './login.service.js';
import { Passwords } from './passwords.service.js';
import { PoolMembersRepository } from './pool-members.repository.js';
import { ReaderCheck } from './reader-check.service.js';
import { RecentHolders } from './recent-holders.service.js';
import { UserEntity } from './user.entity.js';
import { UserSessionEntity } from './user-session.entity.js';
import { UserSessionsRepository } from './user-sessions.repository.js';
import { UsersController } from './users.controller.js';
import { UsersRepository } from './users.repository.js';
import { UsersService } from './users.service.js';

/** Credentials of people, of programs, of booting machines and of agents; and who may use which route. */
@Module({
  imports: [
    TypeOrmModule.forFeature([
      ApiTokenEntity,
      BootTokenEntity,
      AgentSessionEntity,
      GuessCountEntity,
      UserEntity,
      UserSessionEntity,
    ]),
  ],
  controllers: [ApiTokensController, LoginController, UsersController],
  providers: [
    AdminTokenService,
    AdminUserService,
    AgentSessionsRepository,
    ApiTokensRepository,
    BootTokensRepository,
    Credentials,
    GuessCounts,
    GuessingLimits,
    LoginService,
    Passwords,
    ReaderCheck,
    RecentHolders,
    UserSessionsRepository,
    UsersRepository,
    UsersService,
    { provide: PoolMembers, useClass: PoolMembersRepository },
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
  exports: [AdminTokenService, BootTokensRepository, AgentSessionsRepository, Credentials, GuessingLimits],
})
export class AuthModule {}
