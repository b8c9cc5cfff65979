import type { MacAddress } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, IsNull } from 'typeorm';
import { AgentSessionEntity } from './agent-session.entity.js';
import { hashOf, sameHash } from './secret.js';

/** Sessions of agents, hashed, so that they survive a restart of either side. */
@Injectable()
export class AgentSessionsRepository {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  /** Id of the machine's session with this secret, or undefined when it does not hold. */
  async find(mac: MacAddress, secret: string, now: Date): Promise<string | undefined> {
    const holder = await this.holderOf(secret, now);
    return holder?.mac === mac ? holder.sessionId : undefined;
  }

  /** Whose session this secret opens, or undefined when it does not hold. */
  async holderOf(secret: string, now: Date): Promise<{ mac: MacAddress; sessionId: string } | undefined> {
    const hash = hashOf(secret);
    const found = await this.source.getRepository(AgentSessionEntity).findOneBy({ hash });
    if (found === null || !sameHash(found.hash, hash)) return undefined;
    if (found.endsAt !== null && found.endsAt <= now) return undefined;
    return { mac: found.mac as MacAddress, sessionId: found.id };
  }

  /** Ends a session at a time; one that has an end already keeps it. */
  async end(id: string, at: Date): Promise<void> {
    await this.source.getRepository(AgentSessionEntity).update({ id, endsAt: IsNull() }, { endsAt: at });
  }
}
