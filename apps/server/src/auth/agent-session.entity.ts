import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** The credential of one boot of one live env. */
@Entity('agent_sessions')
export class AgentSessionEntity {
  @PrimaryColumn('uuid')
  id: string;

  @Index()
  @Column('text')
  mac: string;

  @Index({ unique: true })
  @Column('bytea')
  hash: Buffer;

  @Column('timestamptz')
  openedAt: Date;

  /** From when on it is refused; null while it holds. */
  @Column('timestamptz', { nullable: true })
  endsAt: Date | null;
}
