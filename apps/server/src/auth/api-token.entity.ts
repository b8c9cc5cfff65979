import { Column, CreateDateColumn, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import type { Role } from '../http/index.js';

/** A credential of a program. The token itself is not kept. */
@Entity('api_tokens')
@Index('api_tokens_one_valid', ['name'], { unique: true, where: 'revoked_at IS NULL' })
export class ApiTokenEntity {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Column({ type: 'text', collation: 'C' })
  name: string;

  @Column('text')
  role: Role;

  /** Tag that machines must have for the token to see them; null: all machines. */
  @Column('text', { nullable: true })
  pool: string | null;

  @Index({ unique: true })
  @Column('bytea')
  hash: Buffer;

  @CreateDateColumn({ type: 'timestamptz' })
  createdAt: Date;

  /** Who made it. */
  @Column('text')
  createdBy: string;

  @Column('timestamptz', { nullable: true })
  expiresAt: Date | null;

  /** To the minute. */
  @Column('timestamptz', { nullable: true })
  lastUsedAt: Date | null;

  @Column('text', { nullable: true })
  lastUsedIp: string | null;

  @Column('timestamptz', { nullable: true })
  revokedAt: Date | null;
}
