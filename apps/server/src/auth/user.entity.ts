import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn, UpdateDateColumn, VersionColumn } from 'typeorm';
import type { Role } from '../http/index.js';

/** A person who logs in by a password. */
@Entity('users')
export class UserEntity {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Column({ type: 'text', collation: 'C', unique: true })
  username: string;

  @Column('text')
  role: Role;

  /** Whether the user may log in. */
  @Column('boolean')
  enabled: boolean;

  /** argon2id with its parameters and salt, in the PHC string format. */
  @Column('text')
  passwordHash: string;

  @CreateDateColumn({ type: 'timestamptz' })
  createdAt: Date;

  @UpdateDateColumn({ type: 'timestamptz' })
  updatedAt: Date;

  /** Counts the changes of what admins set. */
  @VersionColumn({ default: 1 })
  revision: number;

  @Column('timestamptz', { nullable: true })
  lastLoginAt: Date | null;
}
