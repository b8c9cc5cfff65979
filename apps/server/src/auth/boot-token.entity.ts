import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A single-use credential on a kernel command line: who boots with it is that machine. */
@Entity('boot_tokens')
export class BootTokenEntity {
  @PrimaryColumn('bytea')
  hash: Buffer;

  @Index()
  @Column('text')
  mac: string;

  @Column('timestamptz')
  createdAt: Date;

  @Column('timestamptz')
  expiresAt: Date;

  @Column('timestamptz', { nullable: true })
  usedAt: Date | null;

  /** Hash of the nonce that it was used with. */
  @Column('bytea', { nullable: true })
  nonceHash: Buffer | null;

  /** The session that it was traded for. */
  @Column('uuid', { nullable: true })
  sessionId: string | null;
}
