import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import type { Agent } from './agent-session.js';

/** An agent as the servers know it of each other. */
export type PresentAgent = Pick<Agent, 'mac' | 'ip' | 'sessionId'>;

/** A row that its holder has not renewed for so long is of a server that was killed. */
const FRESH = `seen_at > now() - interval '45 seconds'`;

/** Which agents are connected to which server. */
@Injectable()
export class AgentPresencesRepository {
  private readonly holder = randomUUID();

  constructor(@InjectDataSource() private readonly source: DataSource) {}

  /** The agent is connected to this server now; returns those that were connected for its box until then, to whichever. */
  async enter({ mac, macs, ip, sessionId }: Agent): Promise<PresentAgent[]> {
    return this.source.query<PresentAgent[]>(
      `WITH other AS (DELETE FROM agent_presences WHERE mac = ANY($2) AND mac <> $1 RETURNING *),
            entered AS (
              INSERT INTO agent_presences (mac, holder, session_id, ip, seen_at) VALUES ($1, $3, $4, $5, now())
              ON CONFLICT (mac) DO UPDATE SET holder = $3, session_id = $4, ip = $5, seen_at = now()
            )
       SELECT mac, ip, session_id AS "sessionId" FROM other WHERE ${FRESH}
       UNION ALL SELECT mac, ip, session_id FROM agent_presences WHERE mac = $1 AND ${FRESH}`,
      [mac, macs, this.holder, sessionId, ip],
    );
  }

  /** The agent of a machine is not connected to this server any more. */
  async leave(mac: string): Promise<void> {
    await this.source.query('DELETE FROM agent_presences WHERE mac = $1 AND holder = $2', [mac, this.holder]);
  }

  /** None is connected to this server any more. */
  async leaveAll(): Promise<void> {
    await this.source.query('DELETE FROM agent_presences WHERE holder = $1', [this.holder]);
  }

  /** These agents are still connected to this server, which is said for all at once. Returns the machines that are not its any more. */
  async renew(macs: readonly string[]): Promise<Set<string>> {
    const [renewed] = await this.source.query<[{ mac: string }[], number]>(
      'UPDATE agent_presences SET seen_at = now() WHERE holder = $1 AND mac = ANY($2) RETURNING mac',
      [this.holder, macs],
    );
    const lost = new Set(macs);
    for (const { mac } of renewed) lost.delete(mac);
    return lost;
  }

  /** Those of these machines whose agents are connected to another server, with the sessions of those. */
  async elsewhere(macs: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (macs.length === 0) return new Map();
    const rows = await this.source.query<PresentAgent[]>(
      `SELECT mac, session_id AS "sessionId" FROM agent_presences WHERE mac = ANY($1) AND holder <> $2 AND ${FRESH}`,
      [macs, this.holder],
    );
    return new Map(rows.map(({ mac, sessionId }) => [mac, sessionId]));
  }

  /** Forgets those of servers that were killed. */
  async removeStale(): Promise<void> {
    await this.source.query(`DELETE FROM agent_presences WHERE NOT ${FRESH}`);
  }
}
