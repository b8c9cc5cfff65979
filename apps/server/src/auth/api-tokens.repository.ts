import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, IsNull } from 'typeorm';
import { EventsRepository } from '../events/index.js';
import { ApiTokenEntity } from './api-token.entity.js';
import { hashOf, sameHash } from './secret.js';

const SERVER = { name: 'server' } as const;

/** The tokens of operators and programs. */
@Injectable()
export class ApiTokensRepository {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventsRepository,
  ) {}

  /** Name of the token's holder, or undefined when the token is not valid. */
  async holderOf(token: string): Promise<string | undefined> {
    const hash = hashOf(token);
    const found = await this.source.getRepository(ApiTokenEntity).findOneBy({ hash, revokedAt: IsNull() });
    return found !== null && sameHash(found.hash, hash) ? found.name : undefined;
  }

  /** Whether a token of this name is valid. */
  async exists(name: string): Promise<boolean> {
    return this.source.getRepository(ApiTokenEntity).existsBy({ name, revokedAt: IsNull() });
  }

  /** Makes `token` the only valid one of its name. */
  async replace(name: string, token: string): Promise<void> {
    await this.source.transaction(async (manager) => {
      await manager.update(ApiTokenEntity, { name, revokedAt: IsNull() }, { revokedAt: new Date() });
      await manager.insert(ApiTokenEntity, { name, hash: hashOf(token), revokedAt: null });
      await this.events.append(manager, { subject: `token/${name}`, action: 'token.created', actor: SERVER });
    });
  }
}
