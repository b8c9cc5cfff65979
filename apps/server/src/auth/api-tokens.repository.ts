import { BtyError } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager, IsNull, MoreThan } from 'typeorm';
import { isUniqueViolation } from '../db/index.js';
import { EventsRepository } from '../events/index.js';
import type { Actor, Role } from '../http/index.js';
import { ApiTokenEntity } from './api-token.entity.js';
import { RecentHolders } from './recent-holders.service.js';
import { hashOf, sameHash } from './secret.js';

/** How exactly the last use is known. Writing each use would cost a commit per request. */
const LAST_USE_MS = 60_000;

/** What a token is made with. */
export interface TokenWish {
  readonly name: string;
  readonly role: Role;
  readonly pool: string | null;
  readonly expiresAt: Date | null;
}

function facts({ role, pool, expiresAt }: TokenWish): Record<string, unknown> {
  return { role, pool, expires_at: expiresAt?.toISOString() ?? null };
}

/** Which state of a token that is, for ETags: nobody changes one, and another of its name has another id. */
export function tokenRevision({ id }: ApiTokenEntity): string {
  return id;
}

/** The tokens of programs. */
@Injectable()
export class ApiTokensRepository {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventsRepository,
    private readonly recent: RecentHolders,
  ) {}

  /** The token with this hash, or undefined when it is not valid now. Notes the use. */
  async use(hash: Buffer, ip: string, now: Date): Promise<ApiTokenEntity | undefined> {
    const tokens = this.source.getRepository(ApiTokenEntity);
    const found = await tokens.findOneBy({ hash, revokedAt: IsNull() });
    if (found === null || !sameHash(found.hash, hash)) return undefined;
    if (found.expiresAt !== null && found.expiresAt <= now) return undefined;
    if (now.getTime() - (found.lastUsedAt?.getTime() ?? 0) >= LAST_USE_MS) {
      await tokens.update({ id: found.id }, { lastUsedAt: now, lastUsedIp: ip });
    }
    return found;
  }

  /** Those of these ids whose tokens are valid now. */
  async validAmong(ids: readonly string[], now: Date): Promise<Set<string>> {
    const rows = await this.source.query<{ id: string }[]>(
      `SELECT id FROM api_tokens WHERE id = ANY($1) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)`,
      [ids, now],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** Whether there has ever been a token of this name. */
  async hasHad(name: string): Promise<boolean> {
    return this.source.getRepository(ApiTokenEntity).existsBy({ name });
  }

  /** Whether a token of this name is not revoked. */
  async exists(name: string): Promise<boolean> {
    return this.source.getRepository(ApiTokenEntity).existsBy({ name, revokedAt: IsNull() });
  }

  /** Those that are not revoked, sorted by name, after a name. */
  async page(after: string | undefined, limit: number): Promise<ApiTokenEntity[]> {
    const where = { revokedAt: IsNull(), ...(after === undefined ? {} : { name: MoreThan(after) }) };
    return this.source.getRepository(ApiTokenEntity).find({ where, order: { name: 'ASC' }, take: limit });
  }

  /** Throws NOT_FOUND. */
  async get(id: string): Promise<ApiTokenEntity> {
    const found = await this.source.getRepository(ApiTokenEntity).findOneBy({ id, revokedAt: IsNull() });
    if (found === null) throw new BtyError('NOT_FOUND', `there is no token ${id}`);
    return found;
  }

  /** Takes a new token. Throws CONFLICT when one of its name is there. */
  async add(wish: TokenWish, token: string, actor: Actor): Promise<ApiTokenEntity> {
    try {
      return await this.source.transaction((manager) => this.insert(manager, wish, token, actor));
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new BtyError('CONFLICT', `there is a token ${wish.name} already; revoke it first`, { cause: error });
    }
  }

  /** Makes `token` the only valid one of its name. */
  async replace(wish: TokenWish, token: string, actor: Actor): Promise<void> {
    await this.source.transaction(async (manager) => {
      await manager.update(ApiTokenEntity, { name: wish.name, revokedAt: IsNull() }, { revokedAt: new Date() });
      await this.insert(manager, wish, token, actor);
    });
    this.recent.lookAgain();
  }

  /** Revokes a token. Throws NOT_FOUND. */
  async revoke(id: string, actor: Actor): Promise<void> {
    const revoked = await this.revokeWhere('id = $1', [id], actor);
    if (revoked === 0) throw new BtyError('NOT_FOUND', `there is no token ${id}`);
  }

  /** Revokes all tokens but the one with this id; returns how many. */
  async revokeAllBut(id: string | undefined, actor: Actor): Promise<number> {
    return this.revokeWhere('id IS DISTINCT FROM $1::uuid', [id ?? null], actor);
  }

  private async insert(manager: EntityManager, wish: TokenWish, token: string, actor: Actor): Promise<ApiTokenEntity> {
    const row = { ...wish, hash: hashOf(token), createdBy: actor.name, revokedAt: null };
    const { identifiers } = await manager.insert(ApiTokenEntity, row);
    const change = { subject: `token/${wish.name}`, action: 'token.created', actor, after: facts(wish) };
    await this.events.append(manager, change);
    return manager.findOneByOrFail(ApiTokenEntity, { id: (identifiers[0] as { id: string }).id });
  }

  private async revokeWhere(condition: string, values: unknown[], actor: Actor): Promise<number> {
    const count = await this.source.transaction(async (manager) => {
      const [revoked] = await manager.query<[TokenWish[], number]>(
        `UPDATE api_tokens SET revoked_at = now() WHERE revoked_at IS NULL AND ${condition}
         RETURNING name, role, pool, expires_at AS "expiresAt"`,
        values,
      );
      for (const token of revoked) {
        const change = { subject: `token/${token.name}`, action: 'token.revoked', actor, before: facts(token) };
        await this.events.append(manager, change);
      }
      return revoked.length;
    });
    this.recent.lookAgain();
    return count;
  }
}
