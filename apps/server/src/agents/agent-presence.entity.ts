import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A machine whose agent is connected to one of the servers. */
@Entity('agent_presences')
export class AgentPresenceEntity {
  /** Of the card that the agent has booted from. */
  @PrimaryColumn('text', { collation: 'C' })
  mac: string;

  /** The server process that has the connection. */
  @Index('agent_presences_of_holder')
  @Column('uuid')
  holder: string;

  @Column('uuid')
  sessionId: string;

  @Column('text')
  ip: string;

  /** When the holder said last that the agent is there, by the clock of Postgres. */
  @Column('timestamptz')
  seenAt: Date;
}
