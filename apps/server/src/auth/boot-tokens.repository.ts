import type { MacAddress } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager, IsNull, MoreThan } from 'typeorm';
import { AgentSessionEntity } from './agent-session.entity.js';
import { BootTokenEntity } from './boot-token.entity.js';
import { hashOf, newSecret, sameHash } from './secret.js';

const LIFETIME_MS = 10 * 60_000;
/** One power-on can ask several times before one of its kernels starts. */
const MAX_UNUSED = 4;
/** How long the same token with the same nonce is the same exchange: the answer may have been lost. */
const REPEAT_MS = 60_000;

/** An opened session; `secret` is known only here and to the agent. */
export interface OpenedSession {
  readonly id: string;
  readonly secret: string;
}

/** Boot tokens, and their trade for a session. */
@Injectable()
export class BootTokensRepository {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  /** Makes a token for one boot of the machine. The oldest unused one goes when there are too many. */
  async mint(mac: MacAddress, now: Date): Promise<string> {
    const token = newSecret();
    const [expires, forgotten] = [now.getTime() + LIFETIME_MS, now.getTime() - REPEAT_MS];
    // What is deleted is chosen from what there was before: the new one is one of those that may stay.
    await this.source.query(
      `WITH minted AS (INSERT INTO boot_tokens (hash, mac, created_at, expires_at) VALUES ($1, $2, $3, $4))
       DELETE FROM boot_tokens WHERE mac = $2 AND (expires_at < $5 OR hash IN (
         SELECT hash FROM boot_tokens WHERE mac = $2 AND used_at IS NULL ORDER BY created_at DESC OFFSET $6))`,
      [hashOf(token), mac, now, new Date(expires), new Date(forgotten), MAX_UNUSED - 1],
    );
    return token;
  }

  /**
   * Trades a token for a session: once, which revokes the machine's other tokens and sessions; or again with the same
   * nonce within a minute, which gives the same session a new secret. Returns undefined for anything else.
   */
  async exchange(mac: MacAddress, token: string, nonce: string, now: Date): Promise<OpenedSession | undefined> {
    return this.source.transaction(async (manager) => {
      const hash = hashOf(token);
      const fresh = { hash, mac, usedAt: IsNull(), expiresAt: MoreThan(now) };
      const { affected } = await manager.update(BootTokenEntity, fresh, { usedAt: now, nonceHash: hashOf(nonce) });
      if (affected === 1) return this.openSession(manager, mac, hash, now);
      return this.repeat(manager, mac, hash, hashOf(nonce), now);
    });
  }

  private async openSession(
    manager: EntityManager,
    mac: MacAddress,
    tokenHash: Buffer,
    now: Date,
  ): Promise<OpenedSession> {
    const session = { id: crypto.randomUUID(), secret: newSecret() };
    await manager.update(AgentSessionEntity, { mac, endsAt: IsNull() }, { endsAt: now });
    const row = { id: session.id, mac, hash: hashOf(session.secret), openedAt: now, endsAt: null };
    await manager.insert(AgentSessionEntity, row);
    await manager.update(BootTokenEntity, { hash: tokenHash }, { sessionId: session.id });
    await manager.delete(BootTokenEntity, { mac, usedAt: IsNull() });
    return session;
  }

  private async repeat(
    manager: EntityManager,
    mac: MacAddress,
    tokenHash: Buffer,
    nonceHash: Buffer,
    now: Date,
  ): Promise<OpenedSession | undefined> {
    const since = new Date(now.getTime() - REPEAT_MS);
    const used = await manager.findOneBy(BootTokenEntity, { hash: tokenHash, mac, usedAt: MoreThan(since) });
    if (used?.sessionId == null || used.nonceHash === null || !sameHash(used.nonceHash, nonceHash)) return undefined;
    const secret = newSecret();
    const live = { id: used.sessionId, endsAt: IsNull() };
    const { affected } = await manager.update(AgentSessionEntity, live, { hash: hashOf(secret) });
    return affected === 1 ? { id: used.sessionId, secret } : undefined;
  }
}
